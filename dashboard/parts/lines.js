/* The lines of a list. Drawn again with new data, it changes what is new and leaves the rest as it stands: what has the focus keeps it,
   and what is ticked is known here and told to the server. */

const drawn = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
    const root = parentElement.querySelector(".lines");
    if (!drawn.has(root)) {
        drawn.set(root, new Lines(root, data.ticked));
    }
    drawn.get(root).show(data, setStateValue, setTriggerValue);
}

class Lines {
    constructor(root, ticked) {
        this.list = root.querySelector("ul");
        this.all = root.querySelector(".all");
        this.box = this.all.querySelector("input");
        this.ticked = new Set(ticked);
        this.lines = new Map(); // by id
        this.box.addEventListener("change", () => this.tickAll(this.box.checked));
        this.takeFocusBack(root.getRootNode().host);
    }

    /* A dialog gives the focus back where it had it from: from outside that is the host, and here it is the question that was asked. */
    takeFocusBack(host) {
        host.tabIndex = -1;
        host.addEventListener("focus", () => {
            this.asked?.focus();
            this.asked = null;
        });
    }

    show(data, setState, setTrigger) {
        Object.assign(this, { setState, setTrigger });
        this.list.setAttribute("aria-label", data.label);
        this.all.hidden = !data.ticks;
        this.leave(new Set(data.lines.map((line) => line.id)));
        let here = this.list.firstElementChild;
        for (const told of data.lines) {
            if (!this.lines.has(told.id)) this.lines.set(told.id, new Line(this, told.id, data));
            const line = this.lines.get(told.id);
            if (line.item === here) {
                here = here.nextElementSibling; // never moved without need: what is moved loses the focus
            } else {
                this.list.insertBefore(line.item, here);
            }
            line.show(told);
        }
        this.showTicks();
    }

    /* Lines that are not there any more; the focus of one that goes is the list's then, and not the whole page's. */
    leave(staying) {
        for (const [id, line] of this.lines) {
            if (staying.has(id)) continue;
            if (line.item.matches(":focus-within")) this.list.focus({ preventScroll: true });
            line.item.remove();
            this.lines.delete(id);
        }
    }

    showTicks() {
        for (const [id, line] of this.lines) {
            if (line.box) line.box.checked = this.ticked.has(id);
        }
        const here = [...this.lines.keys()].filter((id) => this.ticked.has(id)).length;
        this.box.checked = here > 0 && here === this.lines.size;
        this.box.indeterminate = here > 0 && here < this.lines.size;
    }

    tick(ids, ticked) {
        ids.forEach((id) => (ticked ? this.ticked.add(id) : this.ticked.delete(id)));
        this.showTicks();
        this.setState("ticked", [...this.ticked]);
    }

    tickAll(ticked) {
        this.tick([...this.lines.keys()], ticked);
    }

    ask(id, question) {
        this.asked = question;
        this.setTrigger("asked", id);
    }
}

class Line {
    constructor(list, id, { view, ticks, asks }) {
        this.item = element("li", "");
        this.who = element(ticks ? "label" : "div", "who");
        this.name = element(view ? "a" : "span", "name");
        this.beside = element("span", "beside");
        this.came = element("div", "came");
        this.who.append(this.name, this.beside);
        this.item.append(this.who, this.came);
        if (ticks) this.addBox(list, id);
        if (view) this.leadTo(list, id, view);
        if (asks) this.addQuestion(list, id, asks);
    }

    addBox(list, id) {
        this.box = element("input", "");
        this.box.type = "checkbox";
        this.box.addEventListener("change", () => list.tick([id], this.box.checked));
        this.who.prepend(this.box);
    }

    /* The server opens the page without loading all anew; a click that asks for another tab or window is the browser's own. */
    leadTo(list, id, view) {
        this.name.href = `${view}?id=${id}`;
        this.name.addEventListener("click", (event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
            event.preventDefault();
            list.setTrigger("opened", id);
        });
    }

    addQuestion(list, id, asks) {
        this.question = element("button", "");
        this.question.type = "button";
        this.question.title = asks;
        this.question.append(icon("help"), "Why?");
        this.question.addEventListener("click", () => list.ask(id, this.question));
        this.item.append(this.question);
    }

    show(told) {
        const content = JSON.stringify(told);
        if (this.content === content) return;
        this.content = content;
        this.name.textContent = told.name;
        this.beside.textContent = told.beside;
        this.came.replaceChildren(...told.badges.map(badge), element("span", "told", told.told));
        this.question?.setAttribute("aria-label", `Why? ${told.name}`);
    }
}

function badge({ label, icon: symbol, colour }) {
    const made = element("span", `badge ${colour}`);
    if (symbol) made.append(icon(symbol));
    made.append(label);
    return made;
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
