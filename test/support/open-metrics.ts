/** A strict reader of OpenMetrics text, written from the specification (1.0, sections "Text Format" and "Data Model") and from nothing else. */

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** As written: numbers of the format may be longer than those of JavaScript. */
  readonly text: string;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

/** Suffixes that samples of a type must have. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { gauge: [''], counter: ['_total', '_created'], info: ['_info'] };
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const REAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

const unescaped = (text: string): string => {
  let plain = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"' || character === '\n') throw new Error(`an unescaped ${JSON.stringify(character)} in ${text}`);
    if (character !== '\\') {
      plain += character;
      continue;
    }
    i++;
    const next = text[i];
    if (next === 'n') plain += '\n';
    else if (next === '\\' || next === '"') plain += next;
    else throw new Error(`a stray backslash in ${text}`);
  }
  return plain;
};

/** `name{label="value",…} number`, without timestamps and exemplars, which nothing here writes. */
const parseSample = (line: string): ParsedSample => {
  const open = line.indexOf('{');
  if (open < 0) throw new Error(`no labels in ${line}`);
  const name = line.slice(0, open);
  if (!NAME.test(name)) throw new Error(`the name of ${line}`);
  const labels: Record<string, string> = {};
  let at = open + 1;
  while (line[at] !== '}') {
    const equals = line.indexOf('="', at);
    if (equals < 0) throw new Error(`the labels of ${line}`);
    const label = line.slice(at, equals);
    if (!LABEL_NAME.test(label) || label.startsWith('__')) throw new Error(`the label ${label} of ${line}`);
    if (Object.hasOwn(labels, label)) throw new Error(`the label ${label} twice in ${line}`);
    let end = equals + 2;
    while (line[end] !== '"') {
      if (end >= line.length) throw new Error(`an open label in ${line}`);
      end += line[end] === '\\' ? 2 : 1;
    }
    labels[label] = unescaped(line.slice(equals + 2, end));
    at = end + 1;
    if (line[at] === ',') at++;
    else if (line[at] !== '}') throw new Error(`what follows ${label} in ${line}`);
  }
  const rest = line.slice(at + 1);
  if (!rest.startsWith(' ') || !REAL.test(rest.slice(1))) throw new Error(`the number of ${line}`);
  return { name, labels, value: Number(rest.slice(1)), text: rest.slice(1) };
};

const checkFamily = ({ name, type, unit, samples }: ParsedFamily): void => {
  const suffixes = SUFFIXES[type];
  if (suffixes === undefined) throw new Error(`the type ${type} of ${name}`);
  if (unit !== '' && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end in its unit ${unit}`);
  if (unit !== '' && type === 'info') throw new Error(`${name} is information and has a unit`);
  const seen = new Set<string>();
  for (const sample of samples) {
    if (!suffixes.some((suffix) => sample.name === name + suffix)) throw new Error(`${sample.name} is no sample of the ${type} ${name}`);
    const identity = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(identity)) throw new Error(`${identity} twice`);
    seen.add(identity);
    if (type === 'counter' && !(sample.value >= 0)) throw new Error(`the counter ${identity} is ${sample.value}`);
    if (type === 'info' && sample.value !== 1) throw new Error(`the information ${identity} is ${sample.value}`);
  }
};

/** Throws at the first thing that the specification does not allow. */
export const parseOpenMetrics = (text: string): ReadonlyMap<string, ParsedFamily> => {
  if (!text.endsWith('# EOF\n')) throw new Error('the text does not end with # EOF');
  const lines = text.split('\n').slice(0, -2);
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>();
  const taken = new Set<string>();
  let current: (ParsedFamily & { unit: string; help: string; samples: ParsedSample[] }) | null = null;
  for (const line of lines) {
    const [, kind, name = '', rest = ''] = /^# (TYPE|UNIT|HELP) ([^ ]+) (.*)$/s.exec(line) ?? [];
    if (kind === 'TYPE') {
      if (!NAME.test(name) || families.has(name)) throw new Error(`the family ${name}, or it is there twice`);
      for (const suffix of SUFFIXES[rest] ?? []) {
        if (taken.has(name + suffix)) throw new Error(`${name}${suffix} belongs to two families`);
        taken.add(name + suffix);
      }
      current = { name, type: rest, unit: '', help: '', samples: [] };
      families.set(name, current);
    } else if (kind !== undefined) {
      if (current?.name !== name || current.samples.length > 0) throw new Error(`${line} is out of place`);
      if (kind === 'UNIT') current.unit = rest;
      else current.help = unescaped(rest.replaceAll('"', '\\"').replaceAll('\\\\"', '\\"'));
    } else {
      if (current === null || line.startsWith('#')) throw new Error(`${line} is out of place`);
      current.samples.push(parseSample(line));
    }
  }
  for (const family of families.values()) checkFamily(family);
  return families;
};
