/* The live page: listens to a call, shows it as it is spoken, and lets a supervisor whisper, take over, give back, mark and hang up. */

import { LivePlayer, Microphone, openSound, readPiece } from "./audio.js";
import { Captions } from "./captions.js";
import { Connection, ask, callOfThisPage, inWords } from "./connection.js";
import { loudness } from "./dsp.js";
import { AgentPanel, Meter, element, label, part, showConnection, showEnd, tell } from "./panels.js";
import { clock, list } from "./words.js";

const CALL = callOfThisPage();
const TOLD_MS = 15000; // how long it is told that sound was left out
const NOBODY = { by: null, connection: null };

class LivePage {
    constructor() {
        this.connection = new Connection(CALL, {
            told: (message) => this[message.type]?.(message),
            heard: (buffer) => this.heard(buffer),
            became: (state, why) => this.became(state, why),
        });
        this.captions = new Captions({ list: part("captions"), newest: part("newest"), empty: part("empty"), aloud: part("aloud") });
        this.agent = new AgentPanel();
        this.meters = { callee: new Meter(part("callee-level")), agent: new Meter(part("agent-level")), me: new Meter(part("my-level")) };
        this.welcomed = null;
        this.agentState = "";
        this.holder = NOBODY;
        this.began = null; // when the leg began, on this page's own clock, in ms
        this.player = null;
        this.microphone = null;
        this.muted = false;
        this.markAt = null;
        this.told = 0; // the timer of what is told for a while
        this.#words();
        this.#listen();
        setInterval(() => this.#tick(), 250);
    }

    get mine() {
        return this.welcomed !== null && this.holder.connection === this.welcomed.connection;
    }

    get now() {
        return this.began === null ? 0 : performance.now() - this.began;
    }

    /* What the server tells: a method for each type of message. */

    welcome(message) {
        const heldBefore = this.mine;
        this.welcomed = message;
        this.began = performance.now() - message.now_ms;
        this.captions.me = message.name;
        this.captions.names = { agent: message.call.agent_name || "Agent", callee: callee(message.call), supervisor: "Supervisor" };
        for (const caption of message.captions) this.captions.caption(caption, true);
        for (const note of message.notes) this.captions.note(note, true);
        this.#facts(message.call);
        this.#offer(message.may);
        this.listeners({ names: message.listeners });
        this.state({ state: message.state });
        this.next(message.next);
        const again = heldBefore && message.held.by === message.name;
        this.held(again ? { by: message.name, connection: message.connection } : message.held);
        if (again) this.#command("takeover", { connection: message.connection }).catch(() => this.held(NOBODY));
    }

    caption(message) {
        this.captions.caption(message);
    }

    note(message) {
        this.captions.note(message);
    }

    state({ state }) {
        this.agentState = state;
        this.agent.show(state, this.holder, this.mine);
    }

    next(message) {
        this.agent.showNext(message);
    }

    listeners({ names }) {
        const others = names.filter((name) => name !== this.welcomed.name);
        part("listeners").textContent = others.length ? `Here: ${list(["you", ...others])}` : "Nobody else has this page open";
    }

    held({ by, connection }) {
        this.holder = { by, connection };
        this.agent.show(this.agentState, this.holder, this.mine);
        const banner = part("held");
        banner.hidden = by === null;
        const elsewhere = by === this.welcomed.name ? "You have the call in another window" : `${by} has the call`;
        label(banner, "supervisor", this.mine ? "You have the call" : elsewhere);
        part("mine").hidden = !this.mine;
        part("take-over").hidden = this.mine || !this.welcomed.may.includes("take_over");
        if (this.player) this.player.agentIsHeard = !this.mine;
        if (!this.mine) this.#letGo();
    }

    skipped({ ms }) {
        tell(part("sound-told"), `This page did not keep up; ${(ms / 1000).toFixed(1)} s of sound were left out.`, true);
        clearTimeout(this.told);
        this.told = setTimeout(() => tell(part("sound-told"), ""), TOLD_MS);
    }

    /* The connection and its end. */

    became(state, why) {
        showConnection(state);
        tell(part("trouble"), state === "live" || this.connection.final ? "" : why, true);
        part("take-over").disabled = state !== "live";
        if (!this.connection.final) return;
        this.#letGo();
        this.began = null;
        if (state === "over") this.agent.show("over", NOBODY, false);
        else part("state").hidden = true; // the call may go on
        document.querySelector(".columns").hidden = this.welcomed === null;
        part("lasting").hidden = this.welcomed === null;
        this.agent.showNext(null);
        for (const id of ["listeners", "held", "whisper", "mark", "control", "sound-panel", "keys"]) part(id).hidden = true;
        this.player?.context.close();
        this.player = null;
        showEnd(state, why, CALL);
    }

    /* Sound. */

    heard(buffer) {
        const piece = readPiece(buffer);
        this.meters.callee.show(loudness(piece.callee));
        this.meters.agent.show(loudness(piece.agent));
        this.player?.put(piece);
    }

    async startSound() {
        if (this.player) return;
        const context = await openSound();
        if (this.player) return void context.close();
        this.player = new LivePlayer(context, (told) => this.#behind(told));
        this.player.agentIsHeard = !this.mine;
        this.connection.listen(true);
        context.onstatechange = () => this.#soundShown();
        part("sound").hidden = false;
        part("sound-hint").hidden = true;
        tell(part("sound-told"), "");
        this.#soundShown();
    }

    async toggleSound() {
        try {
            if (!this.player) return await this.startSound();
            if (this.player.context.state !== "running") return await this.player.context.resume();
            this.muted = !this.muted;
        } catch (error) {
            tell(part("sound-told"), `Sound could not be started: ${error.message}`, true);
        }
        this.#soundShown();
    }

    #soundShown() {
        const running = this.player?.context.state === "running";
        if (this.player) this.player.volume = this.muted ? 0 : part("volume").value / 100;
        if (!running) label(part("listen"), "sound", "Start listening");
        else label(part("listen"), this.muted ? "sound" : "no-sound", this.muted ? "Unmute sound" : "Mute sound");
        part("listen").classList.toggle("primary", !running || this.muted);
    }

    #behind({ playing, position }) {
        if (!this.player) return;
        const late = this.now - position / 8 + 1000 * this.player.outputDelay;
        part("behind").textContent = playing ? `Heard about ${(Math.max(0, late) / 1000).toFixed(2)} s after the callee's phone` : "Waits for sound …";
    }

    /* What a supervisor does. */

    async takeOver() {
        try {
            await this.startSound();
            this.microphone ??= await Microphone.open(this.player.context, (mulaw, loud) => {
                this.meters.me.show(loud);
                if (this.mine) this.connection.speak(mulaw);
            });
            this.#muteMicrophone(false);
            await this.#command("takeover", { connection: this.welcomed.connection });
            tell(part("control-told"), "");
        } catch (error) {
            if (!this.mine) this.#letGo();
            tell(part("control-told"), inWords(error), true);
        }
    }

    async whisper(field) {
        const text = field.value.trim();
        if (!text) return;
        try {
            const { answer } = await this.#command("whisper", { text });
            field.value = "";
            tell(part("whisper-told"), answer);
        } catch (error) {
            tell(part("whisper-told"), inWords(error), true);
        }
    }

    async mark(field) {
        try {
            await this.#command("marks", { note: field.value.trim(), at_ms: Math.round(this.markAt ?? this.now) });
            field.value = "";
            tell(part("mark-told"), "Marked. It shows on the call's page.");
            this.#markAt(null);
        } catch (error) {
            tell(part("mark-told"), inWords(error), true);
        }
    }

    async act(verb) {
        try {
            await this.#command(verb);
            tell(part("control-told"), "");
        } catch (error) {
            tell(part("control-told"), inWords(error), true);
        }
    }

    #command(verb, body) {
        return ask("POST", `/live/${CALL}/${verb}`, body);
    }

    #letGo() {
        this.microphone?.close();
        this.microphone = null;
    }

    #muteMicrophone(muted) {
        this.microphone.muted = muted;
        part("mute").setAttribute("aria-pressed", muted);
        label(part("mute"), muted ? "no-microphone" : "microphone", muted ? "Microphone is muted" : "Mute microphone");
    }

    #markAt(at) {
        this.markAt = at;
        part("mark-at").textContent = at === null ? "" : `at ${clock(at)}`;
    }

    #askFirst(open) {
        part("sure").hidden = !open;
        part("hang-up").hidden = open;
        part(open ? "keep" : "hang-up").focus();
    }

    /* The document. */

    #words() {
        label(part("listen"), "sound", "Start listening");
        label(part("newest"), "newest", "Newest");
        label(document.querySelector("#whisper button"), "whisper", "Whisper");
        label(document.querySelector("#mark button"), "mark", "Mark");
        label(part("mute"), "microphone", "Mute microphone");
        label(part("give-back"), "give-back", "Give back");
        label(part("take-over"), "take-over", "Take over");
        label(part("hang-up"), "hang-up", "Hang up …");
        label(part("hang-up-now"), "hang-up", "Hang up now");
    }

    #listen() {
        const does = (id, event, work) => part(id).addEventListener(event, work);
        const submits = (id, work) =>
            does(id, "submit", (event) => {
                event.preventDefault();
                work(part(id).querySelector("input"));
            });
        does("listen", "click", () => this.toggleSound());
        does("volume", "input", () => this.#soundShown());
        submits("whisper", (field) => this.whisper(field));
        submits("mark", (field) => this.mark(field));
        does("mark-note", "focus", () => this.markAt === null && this.#markAt(this.now));
        does("mark-note", "blur", () => part("mark-note").value || this.#markAt(null));
        does("take-over", "click", () => this.takeOver());
        does("give-back", "click", () => this.act("give-back"));
        does("mute", "click", () => this.#muteMicrophone(!this.microphone.muted));
        does("hang-up", "click", () => this.#askFirst(true));
        does("keep", "click", () => this.#askFirst(false));
        does("hang-up-now", "click", () => {
            this.#askFirst(false);
            this.act("hangup");
        });
        document.addEventListener("keydown", (event) => this.#key(event));
    }

    #key(event) {
        if (event.key === "Escape" && !part("sure").hidden) return this.#askFirst(false);
        if (event.key === "Escape") return document.activeElement.blur();
        const busy = event.target.closest("input, button, summary, a");
        if (busy || event.ctrlKey || event.metaKey || event.altKey || !part("keys-on").checked || this.connection.final) return;
        const keys = {
            l: () => this.toggleSound(),
            w: () => part("whisper-text").focus(),
            m: () => part("mark-note").focus(),
            " ": this.mine && this.microphone ? () => this.#muteMicrophone(!this.microphone.muted) : undefined,
        };
        const work = keys[event.key.toLowerCase()];
        if (!work) return;
        event.preventDefault();
        work();
    }

    #facts(call) {
        const who = callee(call);
        document.title = `${who} · live call · Callwright`;
        part("who").textContent = who;
        const about = [call.contact_name ? call.number : "", call.campaign_name, `agent ${call.agent_name}`, call.rehearsal ? "rehearsal" : ""];
        part("about").textContent = about.filter(Boolean).join(" · ");
        part("left-name").textContent = `${who}, left`;
        part("right-name").textContent = `${call.agent_name}, right`;
        const facts = {
            Number: call.number,
            Campaign: call.campaign_name ?? "none",
            Agent: call.agent_name,
            Answered: new Date(call.answered_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
            ...call.variables,
        };
        part("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]));
    }

    #offer(may) {
        part("whisper").hidden = !may.includes("whisper");
        part("mark").hidden = !may.includes("mark");
        part("hang-up").hidden = !may.includes("hang_up") || !part("sure").hidden;
        part("control").hidden = !may.includes("take_over") && !may.includes("hang_up");
        part("sound-panel").hidden = !may.includes("listen");
    }

    #tick() {
        if (this.began !== null) part("lasting").textContent = clock(this.now);
    }
}

/* What the callee is called on this page. */
function callee(call) {
    return call.contact_name || call.number;
}

const page = new LivePage();
page.connection.run();
