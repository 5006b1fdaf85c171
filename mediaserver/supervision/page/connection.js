/* The page's way to the media server: commands of the API, and the live websocket, which comes back by itself. */

import { sentence } from "./words.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const ANSWERS_WITHIN_MS = 15000; // longer than a server asks another one
const LOOKS = 10; // at what came of a call
const SILENT_MS = 5000; // a socket that was to bring sound and brought nothing for so long is dead

/* What the server refused, in its own words. */
export class Refused extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

/* Asks the API; returns what it answered. Throws Refused, or another error where it can't be reached or does not answer. */
export async function ask(method, path, body) {
    const answer = await fetch(`/api/v1${path}`, {
        method,
        headers: { "X-Callwright": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(answer.status, said.detail ?? said.title ?? `the server answered ${answer.status}`);
    return said;
}

/* What to tell a person about `error`, whatever a command threw. */
export function inWords(error) {
    const unreached = error instanceof TypeError || error.name === "TimeoutError";
    return sentence(unreached ? "the server can't be reached; try again" : error.message);
}

/* Why a call has ended, once the server knows; null where it does not say so soon. */
export async function endReason(call) {
    for (let tries = 0; tries < LOOKS; tries++) {
        const { end_reason: why } = await ask("GET", `/calls/${call}`).catch(() => ({}));
        if (why) return why;
        await new Promise((done) => setTimeout(done, FIRST_WAIT_MS));
    }
    return null;
}

/* The number of the call that this page is about, from its address: /live/17 or /talk/17. */
export function callOfThisPage() {
    return location.pathname.split("/").filter(Boolean).at(-1);
}

export function socketAddress(path) {
    const address = new URL(path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    return address;
}

/* How long to wait before try number `tries` (from 0): twice as long each time, and never all pages at once. */
export function backOff(tries) {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
    return longest * (0.5 + Math.random() / 2);
}

/* The live websocket of one call. Handlers: `told(message)`, `heard(buffer)`, `became(state, why)`, where state is connecting, live,
   reconnecting, signed-out, refused or over; the last three are final. `why` of the others: what went wrong last, if it is known. */
export class Connection {
    constructor(call, handlers) {
        this.call = call;
        this.handlers = handlers;
        this.tries = 0;
        this.final = false;
        this.listening = false;
        this.welcomed = false;
        this.socket = null;
        this.trouble = null; // why it was not connected the last time, in words
        this.leaving = null; // while it is found out why the server refuses this page
        window.addEventListener("offline", () => this.socket?.close());
        window.addEventListener("online", () => this.#hurry?.());
    }

    #hurry = null;

    /* Runs until the call is over or the page may not be connected any more. `patient`: the call may not have begun yet. */
    async run({ patient = false } = {}) {
        this.handlers.became("connecting");
        while (!this.final) {
            try {
                const { grant } = await ask("POST", `/live/${this.call}/grant`);
                await this.#connected(grant);
                await this.leaving;
            } catch (error) {
                this.#failed(error, patient && this.tries < 20);
            }
            if (this.final) return;
            this.handlers.became(this.welcomed ? "reconnecting" : "connecting", this.trouble);
            await this.#wait(backOff(this.tries));
            this.tries += 1;
        }
    }

    /* Asks for sound, or for none; remembered over reconnections. */
    listen(on) {
        this.listening = on;
        this.#send(JSON.stringify({ type: "listen", on }));
    }

    /* The microphone's mu-law. */
    speak(mulaw) {
        this.#send(mulaw);
    }

    /* No more reconnections: the call is over as far as this page is concerned. */
    end(state, why) {
        if (this.final) return;
        this.final = true;
        this.handlers.became(state, why);
        this.socket?.close();
    }

    #send(frame) {
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(frame);
    }

    /* Resolves when the socket has closed. */
    #connected(grant) {
        const socket = (this.socket = new WebSocket(socketAddress(`/live/${this.call}/stream`)));
        socket.binaryType = "arraybuffer";
        let latest = performance.now();
        const watch = setInterval(() => {
            if (this.listening && performance.now() - latest > SILENT_MS) socket.close();
        }, 1000);
        socket.onopen = () => socket.send(JSON.stringify({ type: "grant", grant, listen: this.listening }));
        socket.onmessage = ({ data }) => {
            latest = performance.now();
            if (typeof data === "string") this.#told(JSON.parse(data));
            else this.handlers.heard(data);
        };
        return new Promise((closed) => {
            socket.onclose = () => {
                clearInterval(watch);
                closed();
            };
        });
    }

    #told(message) {
        if (message.type === "welcome") {
            this.trouble = null;
            this.tries = 0;
            this.welcomed = true;
            this.handlers.became("live");
            this.listen(this.listening);
        }
        this.handlers.told(message);
        if (message.type === "over") this.end("over", message.reason);
        if (message.type !== "refused") return;
        if (message.again) this.trouble = sentence(message.why);
        else this.leaving = this.#refused(message.why);
    }

    /* Signed out meanwhile, or not allowed any more. */
    async #refused(why) {
        const gone = await ask("GET", "/me").then(() => false, (error) => error.status === 401);
        this.end(gone ? "signed-out" : "refused", why);
    }

    #failed(error, mayBegin) {
        this.trouble = inWords(error);
        if (!(error instanceof Refused)) return; // the network: try again
        if (error.status === 401) this.end("signed-out");
        else if (error.status === 403) this.end("refused", error.message);
        else if (error.status === 404 && !mayBegin) this.end("over");
    }

    #wait(ms) {
        return new Promise((done) => {
            this.#hurry = done;
            setTimeout(done, ms);
        });
    }
}
