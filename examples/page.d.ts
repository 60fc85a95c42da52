/** An element of the page, which is known to exist. */
export function $<T extends HTMLElement = HTMLElement>(id: string): T;

/** Announces a text to screen readers once it has not changed for a while. */
export function announce(text: string): void;
