/* The sound of a page: the AudioContext, the microphone, and what plays a call. The work is done on the audio thread (worklets.js). */

import { decode, encode, loudness } from "./dsp.js";

const WORKLETS = new URL("worklets.js", import.meta.url);
const GLIDE_S = 0.02; // how fast a volume changes, so that it does not click
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/* A running AudioContext with our processors. Browsers start one only while somebody clicks or types. */
export async function openSound() {
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.audioWorklet.addModule(WORKLETS);
    await context.resume();
    return context;
}

/* A piece of both sides, as the live websocket brings it: position of its first sample, number of samples, callee, agent. */
export function readPiece(buffer) {
    const [at, length] = new Uint32Array(buffer.slice(0, 8)); // little-endian, as every browser's machine is
    const sides = new Uint8Array(buffer, 8);
    return { at, callee: decode(sides.subarray(0, length)), agent: decode(sides.subarray(length, 2 * length)) };
}

/* Plays both sides of a call that goes on: the callee left, the agent right. */
export class LivePlayer {
    /* `told(state)`: about four times a second, where it is: `position`, in samples at 8 kHz, and `playing`. */
    constructor(context, told) {
        this.context = context;
        this.node = new AudioWorkletNode(context, "live-player", { numberOfInputs: 0, outputChannelCount: [2] });
        this.node.port.onmessage = ({ data }) => told(data);
        const apart = context.createChannelSplitter(2);
        const together = context.createChannelMerger(2);
        this.callee = context.createGain();
        this.agent = context.createGain();
        this.loud = context.createGain();
        this.node.connect(apart);
        apart.connect(this.callee, 0).connect(together, 0, 0);
        apart.connect(this.agent, 1).connect(together, 0, 1);
        together.connect(this.loud).connect(context.destination);
    }

    /* How long after it is due a sample leaves the speaker, in seconds, as far as the browser knows. */
    get outputDelay() {
        return this.context.baseLatency + (this.context.outputLatency ?? 0);
    }

    put({ at, callee, agent }) {
        this.node.port.postMessage({ at, callee, agent }, [callee.buffer, agent.buffer]);
    }

    /* `volume` from 0 to 1. */
    set volume(volume) {
        this.loud.gain.setTargetAtTime(volume, this.context.currentTime, GLIDE_S);
    }

    /* Whether the agent's side is heard: not while it is the listener's own voice. */
    set agentIsHeard(heard) {
        this.agent.gain.setTargetAtTime(heard ? 1 : 0, this.context.currentTime, GLIDE_S);
    }
}

/* Plays the agent's voice of one's own call. `reached(names)`: marks whose audio has left the speaker, or was cleared. */
export class CallPlayer {
    constructor(context, reached) {
        this.node = new AudioWorkletNode(context, "call-player", { numberOfInputs: 0, outputChannelCount: [1] });
        this.node.port.onmessage = ({ data }) => setTimeout(() => reached(data.marks), 1000 * (context.outputLatency ?? 0));
        this.node.connect(context.destination);
    }

    play(samples) {
        this.node.port.postMessage({ samples }, [samples.buffer]);
    }

    mark(name) {
        this.node.port.postMessage({ mark: name });
    }

    clear() {
        this.node.port.postMessage({ clear: true });
    }
}

/* There is no microphone; the message says what to do. */
export class NoMicrophone extends Error {}

const WHY_NONE = {
    NotAllowedError: "The browser refused the microphone. Allow it for this page (the icon beside the address), then try again.",
    NotFoundError: "No microphone was found. Connect one, then try again.",
    NotReadableError: "The microphone is used by another program. Close that one, then try again.",
};

/* Hears the microphone, with the sound of the page itself taken out. `heard(mulaw, loudness)`: every 20 ms, 160 bytes, unless muted. */
export class Microphone {
    /* Asks for it. Throws NoMicrophone. */
    static async open(context, heard) {
        return new Microphone(context, await ask(), heard);
    }

    constructor(context, stream, heard) {
        this.stream = stream;
        this.muted = false;
        this.source = context.createMediaStreamSource(stream);
        this.node = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
        this.node.port.onmessage = ({ data }) => this.muted || heard(encode(data), loudness(data));
        this.source.connect(this.node);
    }

    /* Lets go of the device. */
    close() {
        this.source.disconnect();
        this.node.port.onmessage = null;
        for (const track of this.stream.getTracks()) track.stop();
    }
}

async function ask() {
    if (!navigator.mediaDevices) {
        throw new NoMicrophone("Browsers give a microphone only to secure pages. Open this one by https://, or on the server's own machine.");
    }
    try {
        return await navigator.mediaDevices.getUserMedia({ audio: VOICE });
    } catch (error) {
        throw new NoMicrophone(WHY_NONE[error.name] ?? `The microphone can't be used: ${error.message}`);
    }
}
