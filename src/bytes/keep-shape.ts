/** Keeps the machine code of short-lived classes: V8 drops what it compiled for a hidden class when a garbage collection finds none of its objects. */

const kept: object[] = [];

/**
 * Keeps one object of a class for good. Where objects live for one message only, a collection may find none of them; everything that was
 * compiled for them is then thrown away and compiled anew, a dozen times in a run of seconds.
 */
export const keepShape = (specimen: object): void => void kept.push(specimen);
