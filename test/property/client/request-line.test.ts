/** The line of requests against a model: strict order, the bound of bytes, nothing lost and nothing twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Request, RequestLine } from '../../../src/client/request-line.ts';

const MAX_BYTES = 100;

type Step =
  | { readonly do: 'join'; readonly size: number; readonly patience: number }
  | { readonly do: 'admit' }
  | { readonly do: 'answer' }
  | { readonly do: 'wrong answer' }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), size: fc.integer({ min: 1, max: 150 }), patience: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ do: 'admit' }, { do: 'answer' }, { do: 'wrong answer' }) },
  fc.record({ do: fc.constant('leave' as const), which: fc.nat(20) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(30) }),
);

describe('a request line', () => {
  it('sends in order within its bound, and gives every request back exactly once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const line = new RequestLine<Request>(MAX_BYTES);
        const all: Request[] = [];
        // The model: two plain lists.
        let waiting: Request[] = [];
        const sent: Request[] = [];
        const back: Request[] = [];
        let now = 0;
        const bytes = (): number => sent.reduce((sum, { size }) => sum + size, 0);
        for (const act of steps) {
          if (act.do === 'join') {
            const request = { correlationId: all.length, size: act.size, deadline: now + act.patience };
            all.push(request);
            waiting.push(request);
            line.join(request);
          } else if (act.do === 'admit') {
            const [first] = waiting;
            const may = first !== undefined && (sent.length === 0 || bytes() + first.size <= MAX_BYTES);
            expect(line.admit()).toBe(may ? first : undefined);
            if (may) sent.push(waiting.shift() as Request);
          } else if (act.do === 'answer') {
            const oldest = sent.shift();
            expect(line.answered(oldest?.correlationId ?? 0)).toBe(oldest);
            if (oldest !== undefined) back.push(oldest);
          } else if (act.do === 'wrong answer') {
            // Of a request that is not the oldest, or of none at all.
            expect(line.answered(sent[1]?.correlationId ?? 999)).toBeUndefined();
          } else if (act.do === 'leave') {
            const request = all[act.which % Math.max(1, all.length)];
            if (request !== undefined) {
              expect(line.leave(request)).toBe(waiting.includes(request));
              if (waiting.includes(request)) back.push(request);
              waiting = waiting.filter((other) => other !== request);
            }
          } else {
            now += act.ms;
            const late = sent.filter(({ deadline }) => deadline <= now);
            expect(late.length === 0 ? line.lateAnswer(now) : late.includes(line.lateAnswer(now) as Request)).toBe(
              late.length === 0 ? undefined : true,
            );
            const overdue = waiting.filter(({ deadline }) => deadline <= now);
            expect(line.takeOverdue(now)).toEqual(overdue);
            back.push(...overdue);
            waiting = waiting.filter(({ deadline }) => deadline > now);
          }
          expect(line.length).toBe(waiting.length + sent.length);
          expect(line.waiting).toBe(waiting.length);
          expect(line.sentBytes).toBe(bytes());
          expect(line.oldestSent).toBe(sent[0]);
          expect(line.nextDeadline).toBe(Math.min(...[...waiting, ...sent].map(({ deadline }) => deadline)));
        }
        const rest = line.clear();
        expect(rest).toEqual([...sent, ...waiting]);
        expect(new Set([...back, ...rest])).toEqual(new Set(all));
        expect(back.length + rest.length).toBe(all.length);
        expect([line.length, line.sentBytes, line.admit()]).toEqual([0, 0, undefined]);
      }),
      { numRuns: 500 },
    );
  });
});
