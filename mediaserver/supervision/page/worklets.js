/* The processors of the audio thread: thin, dsp.js does the work. */

import { Downsampler, JitterBuffer, PlayQueue } from "./dsp.js";

const TELL_EVERY = 0.25; // seconds

/* Both sides of a call: takes {at, callee, agent}, tells {position, lag, skips, underruns}; the callee is left, the agent right. */
class LivePlayer extends AudioWorkletProcessor {
    constructor() {
        super();
        this.buffer = new JitterBuffer(sampleRate);
        this.told = 0;
        this.port.onmessage = ({ data }) => this.buffer.put(data.at, data.callee, data.agent);
    }

    process(_inputs, [[callee, agent]]) {
        this.buffer.pull(callee, agent);
        if (currentTime - this.told >= TELL_EVERY) {
            this.told = currentTime;
            const { playing, position, lag, skips, underruns } = this.buffer;
            this.port.postMessage({ playing, position, lag, skips, underruns });
        }
        return true;
    }
}

/* The agent's voice of one's own call: takes {samples}, {mark} and {clear}, tells {marks} that were reached or cleared. */
class CallPlayer extends AudioWorkletProcessor {
    constructor() {
        super();
        this.queue = new PlayQueue(sampleRate);
        this.port.onmessage = ({ data }) => this.take(data);
    }

    take({ samples, mark, clear }) {
        if (samples) this.queue.put(samples);
        if (mark !== undefined) this.queue.mark(mark);
        if (clear) this.tell(this.queue.clear());
    }

    process(_inputs, [[out]]) {
        this.tell(this.queue.pull(out));
        return true;
    }

    tell(marks) {
        if (marks.length) this.port.postMessage({ marks });
    }
}

/* A microphone: tells frames of 20 ms at 8 kHz. */
class Microphone extends AudioWorkletProcessor {
    constructor() {
        super();
        this.downsampler = new Downsampler(sampleRate);
    }

    process([[samples]]) {
        if (samples) for (const frame of this.downsampler.push(samples)) this.port.postMessage(frame);
        return true;
    }
}

registerProcessor("live-player", LivePlayer);
registerProcessor("call-player", CallPlayer);
registerProcessor("microphone", Microphone);
