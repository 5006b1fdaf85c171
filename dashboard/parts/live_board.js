/* The calls in progress. Drawn again with new data it changes what is new and leaves the rest: the focus stays where it is, and so does
   what is selected. */

export default function ({ data, parentElement, setTriggerValue }) {
    const list = parentElement.querySelector(".board");
    const focused = list.getRootNode().activeElement;
    const hadFocus = list.contains(focused);
    const before = new Map([...list.children].map((item) => [item.dataset.call, item]));
    const items = data.calls.map((call) => {
        const item = before.get(String(call.id)) ?? newItem(call, setTriggerValue);
        before.delete(item.dataset.call);
        show(item, call);
        return item;
    });
    before.forEach((item) => item.remove());
    items.forEach((item, at) => {
        if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
    // A line that changed its place has lost the focus; of one that is gone it is the list's.
    if (hadFocus) (list.contains(focused) ? focused : list).focus({ preventScroll: true });
}

function newItem(call, setTrigger) {
    const item = element("li", "call");
    item.dataset.call = call.id;
    const who = element("div", "who");
    const name = element("h3", "name");
    const page = element("a", "page");
    page.addEventListener("click", (event) => open(event, call.id, setTrigger));
    name.append(page);
    who.append(name, element("p", "about"));
    const now = element("div", "now");
    now.append(element("p", "stuck"), element("p", "signs"), element("p", "line"));
    item.append(who, element("p", "length"), now);
    if (call.listen) item.append(element("a", "listen"));
    return item;
}

/* The server opens the page without loading all anew; a click that asks for another tab or window is the browser's own. */
function open(event, id, setTrigger) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    setTrigger("opened", id);
}

function show(item, call) {
    const content = JSON.stringify(call);
    if (item.dataset.content === content) return;
    item.dataset.content = content;
    const part = (name) => item.querySelector(`.${name}`);
    item.classList.toggle("is-stuck", call.stuck !== "");
    part("page").textContent = call.contact;
    part("page").href = call.page;
    part("about").textContent = call.about;
    part("length").textContent = call.length;
    part("stuck").replaceChildren(...(call.stuck ? [icon("warning"), call.stuck] : []));
    part("signs").replaceChildren(...call.signs.map(sign));
    part("line").replaceChildren(...line(call));
    if (call.listen) showListen(part("listen"), call);
}

function showListen(link, call) {
    link.href = call.listen;
    link.target = "_blank";
    link.rel = "noopener";
    link.setAttribute("aria-label", `Listen to ${call.contact}, in a new tab`);
    if (!link.hasChildNodes()) link.append(icon("hearing"), "Listen");
}

function line({ speaker, text, no_text: noText, final }) {
    if (!text) return noText ? [element("span", "nothing", noText)] : [];
    const said = final ? element("span", "", text) : element("em", "", `${text} …`);
    return [element("strong", "", `${speaker}: `), said];
}

function sign({ icon: name, words, colour }) {
    const made = element("span", `sign ${colour}`);
    made.append(icon(name), words);
    return made;
}

function icon(name) {
    const made = element("span", "icon", name);
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
