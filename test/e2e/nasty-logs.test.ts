/** Random nasty logs on real brokers: what consumers of the mirrors see is what consumers of the source see. In short; `npm run test:soak` takes its time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NastyStage } from '../nasty/nasty-stage.ts';
import { atRest, fromTheBeginning, underKills, type Verdict, whileCleaned } from '../nasty/trials.ts';
import { runSeed } from '../scenarios/seeded.ts';
import { KAFKA_39, KAFKA_NEWEST } from '../support/kafka/versions.ts';

const seed = runSeed();

const expectNoDifference = ({ differences }: Verdict): void => expect(differences.join('\n\n')).toBe('');

describe(`Kafka ${KAFKA_39} to ${KAFKA_NEWEST}, seed ${seed}`, () => {
  let stage: NastyStage;
  beforeAll(async () => {
    stage = await NastyStage.open({ source: KAFKA_39, destination: KAFKA_NEWEST });
  });
  afterAll(() => stage?.[Symbol.asyncDispose]());

  it('24 logs at rest, with consumers that read while holes are filled', async () => {
    const verdict = await atRest(stage, { seed, logs: 24, sample: 5 });
    expectNoDifference(verdict);
    console.log(JSON.stringify(verdict.survey));
  });

  it('logs that are cleaned while they are copied', async () => {
    expectNoDifference(await whileCleaned(stage, { seed: seed + 1, logs: 12 }));
  });

  it('logs that are mirrored from their first record on', async () => {
    expectNoDifference(await fromTheBeginning(stage, { seed: seed + 2, logs: 12 }));
  });

  it('the link and brokers are killed', async () => {
    expectNoDifference(await underKills(stage, { seed: seed + 3, logs: 12 }, { kills: 3, brokers: 0.4 }));
  });
});
