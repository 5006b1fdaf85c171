/* What the pages say: the agent's states, why calls end, times and names. */

/* Of each state of the agent: its icon, its name, and what it means. */
export const STATES = {
    speaking: ["speaking", "Speaking", "The callee hears it now."],
    listening: ["listening", "Listening", "It is the callee's turn."],
    thinking: ["thinking", "Thinking", "Its answer comes next."],
    mailbox: ["mailbox", "At a mailbox", "It waits for the tone, or leaves its message."],
    away: ["away", "Away", "A supervisor has the call."],
    ending: ["ending", "Saying goodbye", "It says its last line."],
    over: ["over", "Finished", "The conversation has ended."],
};

const REASONS = {
    goodbye: "The agent had said what there was to say.",
    declined: "The callee declined.",
    opted_out: "The callee asked not to be called again.",
    wrong_person: "Somebody else picked up.",
    callback: "The callee asked to be called back.",
    message_left: "A message was left on the mailbox.",
    no_message: "It was a mailbox, and nothing was left on it.",
    silence: "Nobody spoke.",
    hung_up: "The callee hung up.",
    line_lost: "The line was lost.",
    time_limit: "It reached its time limit.",
    failed: "A fault on our side ended it.",
    supervisor: "A supervisor ended it.",
};

/* Why a call has ended: a code, or words already. */
export function reason(code) {
    return REASONS[code] ?? sentence(code ?? "");
}

/* `words` with a capital letter. */
export function sentence(words) {
    return words.charAt(0).toUpperCase() + words.slice(1);
}

/* `ms` as 0:05, 12:34 or 1:02:03. */
export function clock(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/* `names` as one reads them: Ann, Ben and Cara. */
export function list(names) {
    return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
