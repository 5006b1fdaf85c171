/* The talk page: whoever began a call in the browser talks to the agent here, and reads along. */

import { CallPlayer, Microphone, openSound } from "./audio.js";
import { Captions } from "./captions.js";
import { Connection, ask, callOfThisPage, inWords, socketAddress } from "./connection.js";
import { decode, loudness } from "./dsp.js";
import { AgentPanel, Meter, element, label, part, showConnection, showEnd, tell } from "./panels.js";
import { clock } from "./words.js";

const CALL = callOfThisPage();
const NOBODY = { by: null, connection: null };
const ASK_AGAIN_MS = 500;
const KEYS = "123456789*0#";
const ENDED = 1000; // the server closes so when the call is over
const MOST_LOSSES = 5; // of the line in one call

class TalkPage {
    constructor() {
        this.connection = new Connection(CALL, {
            told: (message) => this[message.type]?.(message),
            heard: () => {},
            became: (state) => this.became(state),
        });
        this.captions = new Captions({ list: part("captions"), newest: part("newest"), empty: part("empty"), aloud: part("aloud") });
        this.agent = new AgentPanel({ speaking: "You hear it now.", listening: "It is your turn." });
        this.meters = { me: new Meter(part("my-level")), agent: new Meter(part("agent-level")) };
        this.agentName = "the agent";
        this.holder = NOBODY;
        this.began = null;
        this.ended = false;
        this.losses = 0;
        this.socket = null;
        this.#document();
        setInterval(() => this.began !== null && (part("lasting").textContent = clock(performance.now() - this.began)), 250);
    }

    /* Before the call: who the agent is, or that the call is over already. */
    async prepare() {
        try {
            const call = await ask("GET", `/calls/${CALL}`);
            if (call.state === "ended") return this.#end("over", call.end_reason);
            this.#named((await ask("GET", `/agents/${call.agent_id}`)).name);
        } catch (error) {
            if (error.status === 401) this.#end("signed-out");
            else tell(part("start-told"), inWords(error), true);
        }
    }

    async start() {
        part("start").disabled = true;
        tell(part("start-told"), "");
        try {
            this.context ??= await openSound();
            this.player ??= new CallPlayer(this.context, (marks) => marks.forEach((name) => this.#send({ event: "mark", name })));
            this.microphone ??= await Microphone.open(this.context, (mulaw, loud) => {
                this.meters.me.show(loud);
                this.#send({ event: "media", payload: btoa(String.fromCharCode(...mulaw)) });
            });
            tell(part("start-told"), "Calling …");
            await this.#join();
        } catch (error) {
            if (error.status === 401) return this.#end("signed-out");
            tell(part("start-told"), inWords(error), true);
        }
        part("start").disabled = false;
    }

    hangUp() {
        this.#send({ event: "stop" });
        this.#end("over", "You ended the call.");
    }

    /* The call's own socket: asked for until the call is placed. */
    async #join() {
        while (!this.ended) {
            try {
                const { token, url } = await ask("POST", `/calls/${CALL}/browser-stream`);
                return this.#open(token, url);
            } catch (error) {
                if (error.status !== 409) throw error;
                const call = await ask("GET", `/calls/${CALL}`);
                if (call.state === "ended") return this.#end("over", call.end_reason);
                tell(part("start-told"), `${inWords(error)} …`);
            }
            await new Promise((done) => setTimeout(done, ASK_AGAIN_MS));
        }
    }

    #open(token, url) {
        this.socket = new WebSocket(socketAddress(url));
        this.socket.onopen = () => {
            this.#send({ event: "start", token });
            this.#talking();
        };
        this.socket.onmessage = ({ data }) => this.#play(JSON.parse(data));
        this.socket.onclose = ({ code }) => this.#closed(code);
    }

    #play({ event, payload, name }) {
        if (event === "mark") this.player.mark(name);
        else if (event === "clear") this.player.clear();
        else if (event === "media") {
            const samples = decode(Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0)));
            this.meters.agent.show(loudness(samples));
            this.player.play(samples);
        }
    }

    #talking() {
        for (const id of ["line", "conversation"]) part(id).hidden = false;
        part("start-panel").hidden = true;
        tell(part("call-told"), "");
        if (this.began !== null) return;
        this.began = performance.now();
        part("mute").focus();
        this.connection.run({ patient: true });
    }

    /* The socket is gone: the call is over, or the line to the server was lost and the call may go on. */
    async #closed(code) {
        if (this.ended) return;
        this.player.clear();
        if (code === ENDED || this.losses >= MOST_LOSSES) return this.#end("over");
        this.losses += 1;
        tell(part("call-told"), "The line was lost. Calling again …", true);
        try {
            await this.#join();
        } catch (error) {
            this.#end("over", inWords(error));
        }
    }

    #end(state, why) {
        if (this.ended) return;
        this.ended = true;
        this.began = null;
        this.socket?.close(ENDED);
        this.microphone?.close();
        this.context?.close();
        this.connection.end(state, why);
        for (const id of ["line", "start-panel"]) part(id).hidden = true;
        showConnection(state);
        showEnd(state, why, CALL);
    }

    #send(frame) {
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
    }

    /* What the live websocket tells: a method for each type of message. */

    welcome(message) {
        this.#named(message.call.agent_name);
        this.captions.me = message.name;
        this.captions.names = { agent: message.call.agent_name, callee: "You", supervisor: "Supervisor" };
        for (const caption of message.captions) this.captions.caption(caption, true);
        for (const note of message.notes) this.captions.note(note, true);
        this.holder = message.held;
        this.state(message);
        this.next(message.next);
    }

    caption(message) {
        this.captions.caption(message);
    }

    note(message) {
        this.captions.note(message);
    }

    held(message) {
        this.holder = message;
        this.agent.show(this.agentState, this.holder, false);
    }

    state({ state }) {
        this.agentState = state;
        this.agent.show(state, this.holder, false);
    }

    next(message) {
        this.agent.showNext(message);
    }

    became(state) {
        if (state === "over") this.#end("over");
        else showConnection(state);
    }

    #named(name) {
        this.agentName = name;
        document.title = `Talk to ${name} · Callwright`;
        part("who").textContent = `Talk to ${name}`;
        part("agent-name").textContent = name;
    }

    #document() {
        this.agent.show("listening", NOBODY, false);
        label(part("start"), "microphone", "Start talking");
        label(part("newest"), "newest", "Newest");
        label(part("mute"), "microphone", "Mute microphone");
        label(part("hang-up"), "hang-up", "Hang up");
        for (const digit of KEYS) {
            const key = element("button", "", digit);
            key.type = "button";
            key.addEventListener("click", () => this.#send({ event: "dtmf", digit }));
            part("keypad").append(key);
        }
        part("start").addEventListener("click", () => this.start());
        part("hang-up").addEventListener("click", () => this.hangUp());
        part("mute").addEventListener("click", () => this.#mute(!this.microphone.muted));
    }

    #mute(muted) {
        this.microphone.muted = muted;
        part("mute").setAttribute("aria-pressed", muted);
        label(part("mute"), muted ? "no-microphone" : "microphone", muted ? "Microphone is muted" : "Mute microphone");
    }
}

const page = new TalkPage();
page.prepare();
