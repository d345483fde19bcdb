/** The table of broker errors against Kafka's own, as reduced by scripts/kafka-errors.ts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BROKER_ERRORS, brokerError, ErrorCode } from '../../../src/protocol/error-codes.ts';
import type { WireError } from '../../support/kafka/wire-oracle.ts';

const kafka = JSON.parse(readFileSync(new URL('./kafka-errors.json', import.meta.url), 'utf8')) as readonly WireError[];

describe('broker errors', () => {
  it('are the codes, names and remedies of Kafka, all of them and no other', () => {
    const ours = BROKER_ERRORS.map(({ code, name, retriable, remedy }) => ({ code, name, retriable, refresh: remedy === 'refresh' }));
    expect(ours).toEqual(kafka);
  });

  it('are found by code and by name', () => {
    for (const { code, name } of kafka) {
      expect(brokerError(code).name).toBe(name);
      expect(ErrorCode).toHaveProperty(name, code);
    }
  });

  it('say what each code means, each in its own words', () => {
    const meanings = BROKER_ERRORS.map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
    for (const meaning of meanings) expect(meaning).toMatch(/^\S.*[^.\s]$/);
  });

  it.each([137, 1000, -2, 32_767])('keep the number of code %i, which is newer than the table', (code) => {
    expect(brokerError(code)).toMatchObject({ code, name: `UNKNOWN_CODE_${code}`, retriable: false, remedy: 'fatal' });
  });
});
