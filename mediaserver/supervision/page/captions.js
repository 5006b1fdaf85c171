/* The conversation as it is spoken: lines that grow and settle, and what supervisors did, in the order of their times. */

import { element, icon } from "./panels.js";
import { clock } from "./words.js";

const NEAR_END = 24; // px: whoever is this close to the end follows it
const NOTES = {
    mark: ["mark", "marked this moment"],
    whisper: ["whisper", "whispered"],
    take_over: ["take-over", "took the call over"],
    give_back: ["give-back", "gave the call back to the agent"],
    hang_up: ["hang-up", "ended the call"],
};

export class Captions {
    /* `list`: an ol that scrolls; `newest`: the button that leads to its end; `aloud`: what a screen reader is told. */
    constructor({ list, newest, empty, aloud }) {
        Object.assign(this, { list, newest, empty, aloud });
        this.names = { agent: "Agent", callee: "Callee", supervisor: "Supervisor" };
        this.me = null;
        this.lines = new Map(); // key -> item
        list.addEventListener("scroll", () => this.#following() && (newest.hidden = true), { passive: true });
        newest.addEventListener("click", () => {
            this.#toEnd();
            list.focus();
        });
    }

    /* A turn, or what it has become. */
    caption({ turn, speaker, text, start_ms, final, cut_off }, silent = false) {
        const key = `turn ${turn}`;
        const was = this.lines.get(key);
        if (final && !text) return this.#remove(key);
        const item = element("li", `line ${speaker}${final ? "" : " partial"}`);
        const head = element("div", "line-head");
        const name = element("span", "name");
        name.append(icon(speaker), this.names[speaker] ?? speaker);
        head.append(name, element("span", "at", clock(start_ms)));
        const words = element("p", "text", text);
        if (!final) words.append("\u00a0…");
        if (cut_off) words.append(" ", element("span", "cut", "cut off here"));
        item.append(head, words);
        this.#place(key, item, start_ms);
        if (final && !silent && !(was && was.classList.contains("final"))) this.#say(`${this.names[speaker] ?? speaker}: ${text}`);
        if (final) item.classList.add("final");
    }

    /* Something that a supervisor did. */
    note({ kind, by, at_ms, text, answer }, silent = false) {
        const key = `note ${kind} ${by} ${at_ms} ${text}`;
        if (this.lines.has(key)) return;
        const [sign, did] = NOTES[kind] ?? ["mark", kind];
        const who = by === this.me ? "You" : by;
        const item = element("li", `note ${kind}`);
        const says = element("p", "text");
        says.append(icon(sign), element("strong", "", who), ` ${did}`, text ? `: “${text}”` : "");
        item.append(says);
        if (answer) item.append(element("p", "answer", answer));
        item.append(element("span", "at", clock(at_ms)));
        this.#place(key, item, at_ms);
        if (!silent) this.#say(`${who} ${did}${text ? `: ${text}` : ""}`);
    }

    #place(key, item, at) {
        const follows = this.#following();
        item.dataset.at = at;
        const was = this.lines.get(key);
        this.lines.set(key, item);
        if (was && was.dataset.at === item.dataset.at) was.replaceWith(item);
        else {
            was?.remove();
            const later = [...this.list.children].find((each) => Number(each.dataset.at) > at);
            this.list.insertBefore(item, later ?? null);
        }
        this.empty.hidden = true;
        if (follows) this.#toEnd();
        else this.newest.hidden = false;
    }

    #remove(key) {
        this.lines.get(key)?.remove();
        this.lines.delete(key);
        this.empty.hidden = this.lines.size > 0;
    }

    #following() {
        return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END;
    }

    #toEnd() {
        this.list.scrollTop = this.list.scrollHeight;
        this.newest.hidden = true;
    }

    #say(words) {
        this.aloud.append(element("p", "", words));
        while (this.aloud.children.length > 5) this.aloud.firstChild.remove();
    }
}
