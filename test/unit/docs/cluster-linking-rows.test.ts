/** docs/cluster-linking-rows.md says what the code says: names, defaults and states are those of its tables, and the tests that it names are there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ConfigRow } from '../../../src/link/configs/config-row.ts';
import { printValue } from '../../../src/link/configs/config-value.ts';
import { ENGINE_CONFIGS } from '../../../src/link/configs/engine-configs.ts';
import { CONFIGS_WITHOUT_MEANING, optionOfKey, rowOf } from '../../../src/link/configs/link-configs.ts';
import { MIRROR_CONFIGS } from '../../../src/link/configs/mirror-configs.ts';
import { SYNC_CONFIGS } from '../../../src/link/configs/sync-configs.ts';
import { LINK_ERRORS, LINK_STATES } from '../../../src/link/states/link-states.ts';
import { PRODUCT_MIRROR_TOPIC_ERRORS } from '../../../src/link/states/mirror-topic-errors.ts';
import { MIRROR_TOPIC_STATE_NAMES, MIRROR_TOPIC_STATES } from '../../../src/link/states/mirror-topic-states.ts';
import { TASK_ERROR_CODES, TASK_NAMES, TASK_STATES } from '../../../src/link/tasks/task.ts';
import { SCENARIOS } from '../../scenarios/index.ts';
import { ROOT, readPage } from './pages.ts';

/** Cells by the heads of their columns. */
type Row = Readonly<Record<string, string>>;

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

const sections = new Map(
  readPage('docs/cluster-linking-rows.md')
    .split(/^## /m)
    .slice(1)
    .map((section): [string, readonly Row[]] => {
      const [title = '', ...lines] = section.split('\n');
      const [heads, , ...rows] = lines.filter((line) => line.startsWith('|')).map(cellsOf);
      return [title, rows.map((cells) => Object.fromEntries(cells.map((cell, index) => [heads?.[index] ?? '', cell])))];
    }),
);
const table = (title: string): readonly Row[] => sections.get(title) ?? [];
const named = (rows: readonly Row[], column: string): readonly string[] => rows.map((row) => row[column]?.replaceAll('`', '') ?? '');
const isHere = ({ Here = '' }: Row): boolean => !Here.startsWith('Not here');

/** All of the constants, and of the product's other names those that are said not to be here. */
const expectNames = (title: string, column: string, constants: readonly string[]): void => {
  const rows = table(title);
  expect(named(rows, column)).toEqual(expect.arrayContaining([...constants]));
  const others = rows.filter((row) => !constants.includes(named([row], column)[0] ?? ''));
  expect(named(others.filter(isHere), column)).toEqual([]);
  expect(new Set(named(rows, column)).size).toBe(rows.length);
};

/** Of the engine's settings those that the product has for links, not those of Kafka's clients. */
const OF_LINKS = /^(?:cluster\.link|num\.cluster|availability|metadata)\./;
const configs: readonly ConfigRow[] = [...Object.values(MIRROR_CONFIGS), ...Object.values(SYNC_CONFIGS), ...Object.values(ENGINE_CONFIGS)];
const keys = configs.map(({ key }) => key).filter((key) => !key.startsWith('kafka.link.'));
const ofEngine: ReadonlySet<string> = new Set(Object.values(ENGINE_CONFIGS).map(({ key }) => key));

describe('names', () => {
  it('of configs are those of the table of link configs, with their defaults', () => {
    expectNames(
      'Link configs',
      'Config',
      keys.filter((key) => !ofEngine.has(key) || OF_LINKS.test(key)),
    );
    for (const { Config = '', Default = '' } of table('Link configs')) {
      const key = Config.replaceAll('`', '');
      const option = optionOfKey(key);
      if (option === undefined) {
        expect(Object.keys(CONFIGS_WITHOUT_MEANING)).toContain(key);
        continue;
      }
      const row = rowOf(option);
      const isEmpty = row.default === null || (Array.isArray(row.default) && row.default.length === 0);
      // A list as long as a page has one of its own.
      if (!Default.startsWith('[')) expect(Default, key).toBe(isEmpty ? '–' : `\`${printValue(row, row.default)}\``);
    }
  });

  it('of states, errors and tasks are those of the code', () => {
    expectNames('Mirror states', 'State', MIRROR_TOPIC_STATE_NAMES);
    expectNames('Mirror errors', 'Value', Object.keys(PRODUCT_MIRROR_TOPIC_ERRORS));
    expectNames('Link states', 'State', Object.keys(LINK_STATES));
    expectNames('Link errors', 'Error', Object.keys(LINK_ERRORS));
    expectNames('Tasks', 'Task', TASK_NAMES);
    expectNames('Task states', 'State', TASK_STATES);
    expectNames('Codes of task and transition errors', 'Code', TASK_ERROR_CODES);
    for (const [index, { Writable }] of table('Mirror states').entries()) {
      const { isWritable } = MIRROR_TOPIC_STATES[MIRROR_TOPIC_STATE_NAMES[index]!];
      expect(Writable).toBe(isWritable ? 'yes' : 'no');
    }
  });
});

describe('tests', () => {
  const tests = table('Tests');
  const rows = [...sections].filter(([title]) => title !== 'Tests').flatMap(([, all]) => all);
  const numbersOf = ({ Tests = '' }: Row): string[] => (Tests === '–' ? [] : Tests.split(', '));
  const fileOf = new Map(tests.map(({ '#': number = '', File = '' }) => [number, File.replaceAll('`', '')]));
  const scenarios = new Set(Object.values(SCENARIOS).flatMap((all) => all.map(({ name }) => name)));

  it('that are named are there', () => {
    expect(tests.length).toBeGreaterThan(50);
    const missing = tests.filter(({ '#': number = '', Test = '' }) => {
      const file = fileOf.get(number)!;
      if (file.startsWith('test/scenarios/')) return !scenarios.has(Test);
      const text = readFileSync(`${ROOT}${file}`, 'utf8');
      return ![`'${Test}'`, `"${Test}"`].some((title) => text.includes(title));
    });
    expect(missing).toEqual([]);
  });

  it('are numbered in their order, and each is named by a row', () => {
    expect([...fileOf.keys()]).toEqual(tests.map((_, index) => String(index + 1)));
    expect(new Set(rows.flatMap(numbersOf))).toEqual(new Set(fileOf.keys()));
  });

  it('are there for every row, on real brokers or with a word that they are not', () => {
    expect(rows.length).toBeGreaterThan(150);
    for (const row of rows) {
      expect(row['Here'], JSON.stringify(row)).toMatch(/^(?:Same|Differs|Not here)\b/);
      if (!isHere(row)) continue;
      const files = numbersOf(row).map((number) => fileOf.get(number) ?? '');
      const onRealBrokers = files.some((file) => /^test\/(?:scenarios|e2e)\//.test(file));
      expect(files.length, JSON.stringify(row)).toBeGreaterThan(0);
      expect(onRealBrokers, JSON.stringify(row)).toBe(!row['Here']?.endsWith('Shown without real brokers.'));
    }
  });
});
