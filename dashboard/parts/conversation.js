/* One call as it was heard: the waveform of its recording, and the transcript that follows it. Drawn again with new data, it changes
   what is new and leaves the rest as it stands: what is playing goes on, what is selected stays selected. */

const STEP_S = 5;
const LEAP_S = 30;
const LANE = 100; // height of one lane, in units of the drawing
const ALMOST_MS = 20; // a browser may land this far before the place that was asked for
const PLAY = "M3 1 L14 8 L3 15 Z";
const PAUSE = "M3 1 H6.5 V15 H3 Z M9.5 1 H13 V15 H9.5 Z";

const drawn = new WeakMap();

export default function ({ data, parentElement }) {
    const root = parentElement.querySelector(".conversation");
    if (!drawn.has(root)) {
        drawn.set(root, new Conversation(root));
    }
    drawn.get(root).show(data);
}

class Conversation {
    constructor(root) {
        const part = (selector) => root.querySelector(selector);
        this.player = part(".player");
        this.audio = part("audio");
        this.wave = part(".wave");
        this.played = part(".played");
        this.button = part(".play");
        this.time = part(".time");
        this.trouble = part(".trouble");
        this.list = part(".turns");
        this.lanes = { agent: part(".lane.agent"), callee: part(".lane.callee") };
        this.calleeName = part(".name.callee");
        this.speeds = [...root.querySelectorAll("[data-speed]")];
        this.turns = [];
        this.current = -1;
        this.lengthS = 0;
        this.listen();
    }

    listen() {
        this.button.addEventListener("click", () => this.toggle());
        this.wave.addEventListener("keydown", (event) => this.key(event));
        this.wave.addEventListener("pointerdown", (event) => {
            this.wave.setPointerCapture(event.pointerId);
            this.point(event);
        });
        this.wave.addEventListener("pointermove", (event) => {
            if (this.wave.hasPointerCapture(event.pointerId)) this.point(event);
        });
        for (const speed of this.speeds) {
            speed.addEventListener("click", () => this.speed(Number(speed.dataset.speed)));
        }
        for (const name of ["play", "pause", "ended", "timeupdate", "seeking", "seeked"]) {
            this.audio.addEventListener(name, () => this.follow());
        }
        this.audio.addEventListener("play", () => this.tick());
        this.audio.addEventListener("error", () => (this.trouble.hidden = false));
        this.audio.addEventListener("loadedmetadata", () => (this.trouble.hidden = true));
    }

    show({ callee, turns, recording }) {
        this.calleeName.textContent = callee;
        this.showRecording(recording);
        this.showTurns(turns, recording !== null);
        this.follow();
    }

    showRecording(recording) {
        this.player.hidden = recording === null;
        if (recording === null || this.audio.getAttribute("src") === recording.address) return;
        this.lengthS = recording.duration_ms / 1000;
        const loudest = Math.max(1, ...recording.agent, ...recording.callee);
        this.wave.querySelector("svg").setAttribute("viewBox", `0 0 ${Math.max(1, recording.agent.length)} ${2 * LANE}`);
        this.lanes.agent.setAttribute("d", outline(recording.agent, LANE / 2, loudest));
        this.lanes.callee.setAttribute("d", outline(recording.callee, LANE * 1.5, loudest));
        this.wave.setAttribute("aria-valuemax", this.lengthS.toFixed(1));
        this.audio.src = recording.address;
        this.speed(1);
    }

    showTurns(turns, playable) {
        const atEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 4;
        const before = [...this.list.children];
        turns.forEach((turn, at) => {
            const content = JSON.stringify([turn, playable]);
            if (before[at]?.dataset.content === content) return;
            const item = this.turn(turn, playable);
            item.dataset.content = content;
            before[at] ? before[at].replaceWith(item) : this.list.append(item);
        });
        before.slice(turns.length).forEach((item) => item.remove());
        const longer = turns.length > this.turns.length && this.turns.length > 0;
        if (longer && atEnd) this.list.scrollTop = this.list.scrollHeight;
        this.list.hidden = turns.length === 0;
        this.turns = turns;
        this.current = -1;
    }

    turn(turn, playable) {
        const item = element("li", `turn ${turn.speaker}`);
        const head = element("div", "head");
        const at = element(playable ? "button" : "span", "at", turn.when);
        if (playable) {
            at.type = "button";
            at.setAttribute("aria-label", `${turn.when}: go there in the recording`);
            item.addEventListener("click", () => {
                if (!String(window.getSelection())) this.seek(turn.start_ms / 1000);
            });
        }
        const name = element("span", "name", turn.name);
        if (turn.icon) name.prepend(icon(turn.icon));
        head.append(name, at);
        if (turn.latency) head.append(element("span", "latency", turn.latency));
        const text = element("p", "text", turn.text);
        if (turn.cut_off) text.append(" ", element("span", "cut", "cut off here"));
        item.append(head);
        if (turn.text) item.append(text);
        return item;
    }

    /* Where the recording is: on the waveform, in words, and in the transcript. */
    follow() {
        if (this.player.hidden) return;
        const at = Math.min(this.audio.currentTime, this.lengthS);
        const playing = !this.audio.paused;
        this.played.style.width = `${this.lengthS ? (100 * at) / this.lengthS : 0}%`;
        this.time.textContent = `${clock(at)} / ${clock(this.lengthS)}`;
        this.wave.setAttribute("aria-valuenow", at.toFixed(1));
        this.wave.setAttribute("aria-valuetext", `${clock(at)} of ${clock(this.lengthS)}`);
        this.button.querySelector("span").textContent = playing ? "Pause" : "Play";
        this.button.querySelector("path").setAttribute("d", playing ? PAUSE : PLAY);
        this.mark(at > 0 || playing ? spoken(this.turns, at * 1000) : -1, playing);
    }

    mark(current, playing) {
        if (current === this.current) return;
        this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
        this.current = current;
        const item = this.list.children[current];
        if (!item) return;
        item.setAttribute("aria-current", "true");
        if (playing) bringIntoView(this.list, item);
    }

    tick() {
        this.follow();
        if (!this.audio.paused) requestAnimationFrame(() => this.tick());
    }

    toggle() {
        if (this.audio.paused) {
            this.audio.play().catch(() => this.follow()); // the button shows that it did not start; an error says why in words
        } else {
            this.audio.pause();
        }
    }

    seek(to) {
        this.audio.currentTime = Math.max(0, Math.min(to, this.lengthS));
        this.follow();
    }

    point(event) {
        const box = this.wave.getBoundingClientRect();
        this.seek(((event.clientX - box.left) / box.width) * this.lengthS);
    }

    key(event) {
        const now = this.audio.currentTime;
        const moves = {
            ArrowLeft: now - STEP_S,
            ArrowDown: now - STEP_S,
            ArrowRight: now + STEP_S,
            ArrowUp: now + STEP_S,
            PageDown: now - LEAP_S,
            PageUp: now + LEAP_S,
            Home: 0,
            End: this.lengthS,
        };
        if (event.key === " " || event.key === "Enter") {
            this.toggle();
        } else if (event.key in moves) {
            this.seek(moves[event.key]);
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }

    speed(rate) {
        this.audio.playbackRate = rate;
        for (const each of this.speeds) {
            each.setAttribute("aria-pressed", String(Number(each.dataset.speed) === rate));
        }
    }
}

/* The turn that is spoken at a place; in a silence the last one that was; -1 before the first. Where both speak, who began later.
   Notes between the turns are not spoken. */
function spoken(turns, atMs) {
    const begun = (turn) => turn.speaker !== "note" && turn.start_ms <= atMs + ALMOST_MS;
    const now = turns.findLastIndex((turn) => begun(turn) && atMs < turn.end_ms);
    return now >= 0 ? now : turns.findLastIndex(begun);
}

/* One channel around its middle line; silence is a thin line. */
function outline(peaks, middle, loudest) {
    const heights = peaks.map((peak) => Math.max(0.6, (peak / loudest) * (LANE / 2 - 4)));
    const above = heights.map((height, at) => `${at} ${(middle - height).toFixed(1)} H${at + 1}`);
    const below = heights.map((height, at) => `${at + 1} ${(middle + height).toFixed(1)} H${at}`).reverse();
    return peaks.length ? `M${above.join(" L")} L${below.join(" L")} Z` : "";
}

/* Scrolls the list alone: the page stays where its reader has it. */
function bringIntoView(list, item) {
    const over = item.offsetTop - list.offsetTop;
    if (over < list.scrollTop || over + item.offsetHeight > list.scrollTop + list.clientHeight) {
        list.scrollTop = over - list.clientHeight / 3;
    }
}

function clock(seconds) {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function icon(symbol) {
    const made = element("span", "icon", symbol);
    made.ariaHidden = "true";
    made.translate = false;
    return made;
}

function element(tag, className, text = "") {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
}
