/** Asks one broker who is in its cluster: a Metadata v2 exchange made of a few bytes by hand, so that the harness does not trust the code under test. */
import { connect } from 'node:net';

/** What a broker says about its cluster. */
export interface ClusterView {
  readonly clusterId: string | null;
  readonly controllerId: number;
  /** The broker ids that are registered and not fenced. */
  readonly brokerIds: readonly number[];
}

/** Metadata v2, correlation id 7, null client id, no topics. */
const REQUEST = Buffer.from('0000000e 0003 0002 00000007 ffff 00000000'.replaceAll(' ', ''), 'hex');

/** One attempt. Rejects when nobody listens, nobody answers within `timeoutMs` or the answer is not one. */
export function probe(host: string, port: number, timeoutMs = 5_000): Promise<ClusterView> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write(REQUEST));
    let received: Buffer = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no Metadata answer from ${host}:${port} within ${timeoutMs} ms`)));
    socket.on('error', fail);
    socket.on('close', () => reject(new Error(`${host}:${port} closed the connection`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      socket.destroy();
      try {
        resolve(decode(received));
      } catch (cause) {
        reject(new Error(`${host}:${port} gave no valid Metadata answer`, { cause }));
      }
    });
  });
}

function decode(frame: Buffer): ClusterView {
  let at = 8;
  const int32 = (): number => {
    at += 4;
    return frame.readInt32BE(at - 4);
  };
  const string = (): string | null => {
    const length = frame.readInt16BE(at);
    at += 2 + Math.max(length, 0);
    return length < 0 ? null : frame.toString('utf8', at - length, at);
  };
  const brokerIds: number[] = [];
  for (let left = int32(); left > 0; left--) {
    brokerIds.push(int32());
    string(); // host
    int32(); // port
    string(); // rack
  }
  return { brokerIds: brokerIds.sort((a, b) => a - b), clusterId: string(), controllerId: int32() };
}
