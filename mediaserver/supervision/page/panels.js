/* Pieces of the document that both pages have: icons, messages, meters, the agent's panel. */

import { endReason } from "./connection.js";
import { STATES, reason } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = new URL("icons.svg", import.meta.url).pathname;

export function part(id) {
    return document.getElementById(id);
}

export function element(name, classes = "", text = "") {
    const made = document.createElement(name);
    if (classes) made.className = classes;
    if (text) made.textContent = text;
    return made;
}

/* A drawing that says nothing new: words stand beside it. */
export function icon(name) {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("class", "icon");
    drawing.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `${ICONS}#${name}`);
    drawing.append(use);
    return drawing;
}

/* Gives `button` another icon and other words. */
export function label(button, sign, words) {
    button.replaceChildren(icon(sign), element("span", "", words));
}

/* Shows `message` in `place`, which a screen reader reads out; as a fault, or as what went well. */
export function tell(place, message, fault = false) {
    place.classList.toggle("fault", fault);
    place.replaceChildren(...(message ? [icon(fault ? "warning" : "done"), element("span", "", message)] : []));
}

/* The level of a voice, from 0 to 1: rises at once and sinks slowly. */
export class Meter {
    constructor(bar) {
        this.bar = bar;
        this.level = 0;
        this.drawing = false;
    }

    show(level) {
        this.level = Math.max(level, this.level);
        if (this.drawing) return;
        this.drawing = true;
        requestAnimationFrame(() => this.#draw());
    }

    #draw() {
        this.bar.style.transform = `scaleX(${this.level.toFixed(3)})`;
        this.level = this.level < 0.02 ? 0 : this.level * 0.9;
        this.drawing = this.level > 0;
        if (this.drawing) requestAnimationFrame(() => this.#draw());
        else this.bar.style.transform = "scaleX(0)";
    }
}

/* What the agent does now, and next. */
export class AgentPanel {
    /* `means`: what states mean on this page, where it is not what they mean to a supervisor. */
    constructor(means = {}) {
        this.means = means;
        this.state = part("state");
        this.next = part("next");
        this.shown = "";
    }

    /* `held`: who has taken the call over; `mine`: whether this page has. */
    show(state, held, mine) {
        const [sign, name, means] = STATES[state] ?? ["thinking", state, ""];
        const who = mine ? "you have the call" : held.by ? `${held.by} has the call` : "";
        const words = held.by && state !== "over" ? ["away", `Away: ${who}`, ""] : [sign, name, this.means[state] ?? means];
        if (this.shown === words.join()) return;
        this.shown = words.join();
        this.state.dataset.state = words[0];
        this.state.replaceChildren(icon(words[0]), element("strong", "", words[1]), element("span", "means", words[2]));
    }

    showNext(next) {
        this.next.hidden = !next || !(next.step || next.asks || next.ways.length);
        if (this.next.hidden) return;
        const ways = element("ul", "ways");
        for (const [meaning, step] of next.ways) {
            const way = element("li");
            way.append("if they say ", element("strong", "", meaning), icon("leads-to"), element("span", "sr", " then "), element("b", "", step));
            ways.append(way);
        }
        const shown = [];
        if (next.step) shown.push(element("p", "step", next.step));
        if (next.asks) shown.push(element("p", "asks", next.asks));
        if (next.ways.length) shown.push(ways);
        part("next-what").replaceChildren(...shown);
    }
}

const CONNECTION = {
    connecting: ["waiting", "Connecting …"],
    live: ["live", "Live"],
    reconnecting: ["waiting", "Reconnecting …"],
    over: ["over", "Over"],
    refused: ["warning", "Not connected"],
    "signed-out": ["warning", "Signed out"],
};

/* The state of the connection, at the top. */
export function showConnection(state) {
    part("connection").dataset.state = state;
    label(part("connection"), ...CONNECTION[state]);
}

/* Why this page shows nothing more, and where to go. `state`: a final one of the connection. */
export function showEnd(state, why, call) {
    if (state === "over" && !why) endReason(call).then((found) => found && showEnd(state, found, call));
    const heading = { over: "The call is over", refused: "This page can't be connected", "signed-out": "You are signed out" }[state];
    const shown = [element("strong", "", heading)];
    if (state === "signed-out") shown.push(link("Sign in, and come back to this call", `/sign-in?next=${encodeURIComponent(location.pathname)}`));
    else if (why) shown.push(element("p", "", reason(why)));
    const dashboard = document.body.dataset.dashboard;
    if (state === "over" && /^https?:/.test(dashboard)) shown.push(link("Transcript, recording and result of this call", `${dashboard}/call?id=${call}`));
    part("ended").dataset.state = state;
    part("ended").replaceChildren(...shown);
    part("ended").hidden = false;
}

function link(words, address) {
    const made = element("a", "", words);
    made.href = address;
    return made;
}
