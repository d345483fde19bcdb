/** What links show of themselves as OpenMetrics text. Pure. */
import { METRIC_FAMILIES } from './metric-families.ts';
import type { LinkSnapshot, MetricFamily, Sample } from './metric-family.ts';

/** What HTTP calls the text. */
export const OPEN_METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const SUFFIX: Readonly<Record<MetricFamily['type'], string>> = { gauge: '', counter: '_total', info: '_info' };

const escapeText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

const sampleLine = (name: string, [labels, value]: Sample): string => {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeText(String(text))}"`);
  return `${name}{${pairs.join(',')}} ${value}\n`;
};

const familyText = ({ name, type, unit, help, samples }: MetricFamily, links: readonly LinkSnapshot[]): string => {
  const head = `# TYPE ${name} ${type}\n${unit === undefined ? '' : `# UNIT ${name} ${unit}\n`}# HELP ${name} ${escapeText(help)}\n`;
  const lines = links.flatMap((link) =>
    samples(link).map(([labels, value]) => sampleLine(name + SUFFIX[type], [{ link: link.status.name, ...labels }, value])),
  );
  return head + lines.join('');
};

export interface OpenMetricsOptions {
  /** With samples for every partition. Default true; without, a link of many partitions is a short text. */
  readonly partitions?: boolean;
}

/** The metrics of some links, each of another name, as one text. */
export const openMetrics = (links: readonly LinkSnapshot[], { partitions = true }: OpenMetricsOptions = {}): string => {
  const families = METRIC_FAMILIES.filter(({ per }) => partitions || per !== 'partition');
  return `${families.map((family) => familyText(family, links)).join('')}# EOF\n`;
};
