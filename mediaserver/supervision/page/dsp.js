/* Sound of the telephone line and of this browser: G.711 mu-law, interpolation between their rates, and the two buffers that even out
   the network. Pure: no AudioContext, no socket, no clock. Samples are floats from -1 to 1; positions are samples at 8 kHz. */

export const LINE_RATE = 8000;
export const FRAME = 160; // 20 ms

/* G.711 mu-law, ITU-T G.711, table 2. */

const BIAS = 132;
const CLIP = 32635;
const DECODED = Float32Array.from({ length: 256 }, (_, code) => sampleOf(code) / 32768);
const ENCODED = Uint8Array.from({ length: 65536 }, (_, shifted) => codeOf(shifted - 32768));

function sampleOf(code) {
    const bits = ~code & 0xff;
    const magnitude = ((((bits & 0xf) << 3) + BIAS) << (bits >> 4 & 7)) - BIAS;
    return bits & 0x80 ? -magnitude : magnitude;
}

function codeOf(sample) {
    const magnitude = Math.min(Math.abs(sample), CLIP) + BIAS;
    const exponent = 31 - Math.clz32(magnitude) - 7;
    const mantissa = (magnitude >> (exponent + 3)) & 0xf;
    return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}

/* The samples of mu-law `codes`. */
export function decode(codes) {
    return Float32Array.from(codes, (code) => DECODED[code]);
}

/* The mu-law of `samples`; what is beyond -1 to 1 is clipped. */
export function encode(samples) {
    return Uint8Array.from(samples, (sample) => ENCODED[Math.max(-32768, Math.min(32767, Math.round(sample * 32768))) + 32768]);
}

/* How loud `samples` are, from 0 (-50 dBFS or less) to 1 (full scale), as a meter shows it. */
export function loudness(samples) {
    let power = 0;
    for (const sample of samples) power += sample * sample;
    const decibels = 10 * Math.log10(power / Math.max(1, samples.length) + 1e-10);
    return Math.max(0, Math.min(1, 1 + decibels / 50));
}

/* Interpolation by a sinc in a Kaiser window: flat to 3.4 kHz, images and aliases of the telephone's band more than 60 dB down. */

const ZERO_CROSSINGS = 16; // on each side
const PHASES = 256;
const KAISER_BETA = 7;

export class Kernel {
    /* `from` and `to` in Hz. `step`: input samples for each output sample. `half`: input samples that are needed on each side. */
    constructor(from, to) {
        const cut = Math.min(1, to / from);
        this.step = from / to;
        this.half = Math.ceil(ZERO_CROSSINGS / cut);
        this.taps = 2 * this.half;
        this.weights = new Float32Array(this.taps);
        this.rows = Array.from({ length: PHASES + 1 }, (_, phase) => this.#row(phase / PHASES, cut));
    }

    /* Sets `weights` for the samples from `floor - half + 1` on, where the output lies `fraction` behind `floor`. */
    turnTo(fraction) {
        const place = fraction * PHASES;
        const low = Math.floor(place);
        const share = place - low;
        const [before, behind] = [this.rows[low], this.rows[low + 1]];
        for (let tap = 0; tap < this.taps; tap++) this.weights[tap] = before[tap] + share * (behind[tap] - before[tap]);
    }

    #row(fraction, cut) {
        const row = Float32Array.from({ length: this.taps }, (_, tap) => {
            const distance = fraction - (tap - this.half + 1);
            return sinc(cut * distance) * kaiser(distance / this.half);
        });
        const sum = row.reduce((total, weight) => total + weight, 0);
        return row.map((weight) => weight / sum);
    }
}

function sinc(x) {
    return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
    return Math.abs(x) >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel(KAISER_BETA);
}

/* The modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x) {
    let [sum, term] = [1, 1];
    for (let k = 1; term > sum * 1e-9; k++) {
        term *= (x / (2 * k)) ** 2;
        sum += term;
    }
    return sum;
}

/* The newest samples by their positions; silence where nothing was written. */
class Ring {
    constructor(size) {
        this.size = size; // a power of two
        this.samples = new Float32Array(size);
        this.end = 0; // one behind the newest
    }

    /* Writes `samples` from position `at` on, which is at most `size` old. What lies between the newest and `at` is silence. */
    put(at, samples) {
        for (let gap = Math.max(this.end, at - this.size); gap < at; gap++) this.samples[gap & (this.size - 1)] = 0;
        for (let i = 0; i < samples.length; i++) this.samples[(at + i) & (this.size - 1)] = samples[i];
        this.end = Math.max(this.end, at + samples.length);
    }

    restart(at) {
        this.samples.fill(0);
        this.end = at;
    }

    /* Interpolated around `floor`, for which `kernel` has been turned. What lies behind the newest counts as silence. */
    read(kernel, floor) {
        const first = floor - kernel.half + 1;
        const known = Math.min(kernel.taps, this.end - first);
        let sum = 0;
        for (let tap = 0; tap < known; tap++) sum += kernel.weights[tap] * this.samples[(first + tap) & (this.size - 1)];
        return sum;
    }
}

/* Both sides of a call as it goes on: played about 100 ms after they came, whatever the network does in between. */

const TARGET = 0.1 * LINE_RATE; // how far it plays behind the newest sample when it begins
const SLACK = 0.08 * LINE_RATE; // how far at least, when it has skipped because it need not be that far behind
const STANDING = 0.13 * LINE_RATE; // it never came closer than this for a whole second: it can skip forward
const TOO_FAR = 0.22 * LINE_RATE; // it skips forward at once
const FADE = 0.005 * LINE_RATE; // of a skip, and of where sound ends and begins
const LIVE_RING = 32768; // 4 s

export class JitterBuffer {
    /* `rate`: of what is pulled, in Hz. */
    constructor(rate) {
        this.kernel = new Kernel(LINE_RATE, rate);
        this.callee = new Ring(LIVE_RING);
        this.agent = new Ring(LIVE_RING);
        this.begun = false;
        this.playing = false;
        this.position = 0; // of the next sample to play
        this.gain = 0;
        this.fading = null; // where it played before a skip, and since when: {position, until}
        this.skips = 0;
        this.underruns = 0;
        this.#watch();
    }

    get lag() {
        return this.callee.end - this.position;
    }

    /* A piece of both sides whose first sample has the position `at`. */
    put(at, callee, agent) {
        if (!this.begun || Math.abs(at - this.callee.end) > LIVE_RING / 2) this.#restart(at);
        this.callee.put(at, callee);
        this.agent.put(at, agent);
    }

    /* Fills both arrays with what is to be heard now. */
    pull(callee, agent) {
        this.#decide();
        const slew = this.kernel.step / FADE;
        for (let i = 0; i < callee.length; i++) {
            callee[i] = agent[i] = 0;
            if (!this.playing) continue;
            const enough = this.lag > this.kernel.half + FADE;
            this.gain = Math.max(0, Math.min(1, this.gain + (enough ? slew : -slew)));
            if (this.gain === 0) this.#pause();
            else this.#play(i, callee, agent);
        }
    }

    #restart(at) {
        this.callee.restart(at);
        this.agent.restart(at);
        this.begun = true;
        this.playing = false;
        this.position = at;
        this.gain = 0;
        this.fading = null;
    }

    #pause() {
        this.playing = false;
        this.underruns += 1;
    }

    #decide() {
        if (!this.playing) {
            this.playing = this.begun && this.lag >= TARGET;
            this.#watch();
        }
        this.least = Math.min(this.least, this.lag);
        if (this.lag > TOO_FAR) this.#skip(this.lag - TARGET);
        else if (this.position >= this.watchedUntil) {
            if (this.least > STANDING) this.#skip(this.least - SLACK);
            this.#watch();
        }
    }

    #watch() {
        this.least = Infinity;
        this.watchedUntil = this.position + LINE_RATE;
    }

    #skip(by) {
        this.fading = { position: this.position, until: this.position + FADE };
        this.position += by;
        this.skips += 1;
        this.#watch();
    }

    #play(i, callee, agent) {
        this.#add(this.position, this.gain, i, callee, agent);
        this.position += this.kernel.step;
        if (this.fading === null) return;
        const share = Math.max(0, (this.fading.until - this.fading.position) / FADE);
        callee[i] *= 1 - share;
        agent[i] *= 1 - share;
        this.#add(this.fading.position, this.gain * share, i, callee, agent);
        this.fading.position += this.kernel.step;
        if (share === 0) this.fading = null;
    }

    #add(position, gain, i, callee, agent) {
        const floor = Math.floor(position);
        this.kernel.turnTo(position - floor);
        callee[i] += gain * this.callee.read(this.kernel, floor);
        agent[i] += gain * this.agent.read(this.kernel, floor);
    }
}

/* One side as a carrier plays it: all that came, in order, with marks, until it is cleared. */

const HOLD_BACK_S = 0.06; // from the first sample after silence until it is played
const QUEUE_RING = 262144; // 32 s

export class PlayQueue {
    /* `rate`: of what is pulled, in Hz. */
    constructor(rate) {
        this.kernel = new Kernel(LINE_RATE, rate);
        this.ring = new Ring(QUEUE_RING);
        this.position = 0;
        this.marks = []; // [name, position], in order
        this.holdBack = Math.round(HOLD_BACK_S * rate);
        this.wait = this.holdBack; // output samples
    }

    get empty() {
        return this.position >= this.ring.end;
    }

    put(samples) {
        if (this.empty) {
            this.position = this.ring.end;
            this.wait = this.holdBack;
        }
        this.ring.put(this.ring.end, samples);
    }

    mark(name) {
        this.marks.push([name, this.ring.end]);
    }

    /* Drops what was not played, all but 5 ms that fade away; returns the names of all outstanding marks. */
    clear() {
        const from = Math.floor(this.position);
        const rest = this.wait > 0 ? 0 : Math.max(0, Math.min(FADE, this.ring.end - from));
        for (let i = 0; i < rest; i++) this.ring.samples[(from + i) & (QUEUE_RING - 1)] *= 1 - i / rest;
        this.ring.end = from + rest;
        return this.marks.splice(0).map(([name]) => name);
    }

    /* Fills `out` with what is to be heard now; returns the names of the marks that were reached. */
    pull(out) {
        for (let i = 0; i < out.length; i++) {
            out[i] = 0;
            if (this.empty) continue;
            if (this.wait > 0) {
                this.wait -= 1;
                continue;
            }
            const floor = Math.floor(this.position);
            this.kernel.turnTo(this.position - floor);
            out[i] = this.ring.read(this.kernel, floor);
            this.position += this.kernel.step;
        }
        const reached = this.marks.findIndex(([, at]) => at > this.position);
        return this.marks.splice(0, reached < 0 ? this.marks.length : reached).map(([name]) => name);
    }
}

/* A microphone's samples as the line takes them. */
export class Downsampler {
    /* `rate`: of what is pushed, in Hz. */
    constructor(rate) {
        this.kernel = new Kernel(rate, LINE_RATE);
        this.ring = new Ring(32768);
        this.position = 0;
        this.frame = new Float32Array(FRAME);
        this.filled = 0;
    }

    /* The frames of 20 ms at 8 kHz that are whole with `samples`. */
    push(samples) {
        const frames = [];
        this.ring.put(this.ring.end, samples);
        while (Math.floor(this.position) + this.kernel.half < this.ring.end) {
            const floor = Math.floor(this.position);
            this.kernel.turnTo(this.position - floor);
            this.frame[this.filled++] = this.ring.read(this.kernel, floor);
            this.position += this.kernel.step;
            if (this.filled === FRAME) {
                frames.push(this.frame.slice());
                this.filled = 0;
            }
        }
        return frames;
    }
}
