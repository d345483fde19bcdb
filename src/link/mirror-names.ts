/** What mirrors are called: as their sources, or with the link's prefix before that. */

export interface MirrorNames {
  readonly sourceTopic: string;
  readonly topic: string;
}

export const mirrorNames = (prefix: string, sourceTopic: string): MirrorNames => ({ sourceTopic, topic: `${prefix}${sourceTopic}` });
