/** The coverage table of docs/protocol.md, made from the descriptions and the golden frames. */
import { readFileSync } from 'node:fs';
import { APIS } from '../../../src/protocol/messages/index.ts';
import type { Api, VersionRange } from '../../../src/protocol/schema.ts';
import { readGoldenFrames } from '../../conformance/protocol/golden-frames.ts';
import { readKafkaSchema } from '../../conformance/protocol/kafka-schema.ts';

export const PROTOCOL_PAGE = new URL('../../../docs/protocol.md', import.meta.url);

const BEGIN = '<!-- coverage: written by scripts/protocol-coverage.ts -->';
const END = '<!-- end of coverage -->';

const spell = ({ min, max }: VersionRange): string => (min === max ? `${min}` : `${min}–${max}`);

const row = (api: Api): string => {
  const flexible = api.flexible === null ? 'none' : `${api.flexible.min}+`;
  return `| ${api.key} | ${api.name} | ${spell(api.versions)} | ${flexible} | ${readGoldenFrames(api).size} |`;
};

const table = (): string => {
  const frames = APIS.reduce((sum, api) => sum + readGoldenFrames(api).size, 0);
  const versions = APIS.reduce((sum, { versions: { min, max } }) => sum + max - min + 1, 0);
  const { kafka, agrees } = readKafkaSchema();
  return [
    '| key | API | versions | flexible from | golden frames |',
    '|---|---|---|---|---|',
    ...APIS.map(row),
    `| | **${APIS.length} APIs** | **${versions} versions** | | **${frames}** |`,
    '',
    `Compared with the definitions of kafka-clients ${kafka}; those of ${agrees.join(', ')} agree in every version they share.`,
  ].join('\n');
};

/** The page as it is, and as it should be. */
export const protocolPage = (): { readonly is: string; readonly shouldBe: string } => {
  const is = readFileSync(PROTOCOL_PAGE, 'utf8');
  const [before, rest] = is.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/protocol.md has lost its marks: ${BEGIN} and ${END}`);
  return { is, shouldBe: `${before}${BEGIN}\n${table()}\n${END}${after}` };
};
