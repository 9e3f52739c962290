/** A whole verification in a thread of its own, which gives way to the thread that answers requests. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Told, VerificationTask } from './verifications.ts';
import { verify } from './verify.ts';

/** The lowest but one; on Linux it is of this thread alone. */
const NICE = 18;

const { url, ledgerId } = workerData as VerificationTask;
const port = parentPort;
if (port === null) throw new Error('this module runs in a thread');
if (process.platform === 'linux') setPriority(NICE);

let canceled = false;
port.once('message', () => {
  canceled = true;
});

const told: Told = await verify({
  ...{ url, ledgerId, threads: 1, kept: [], trusted: [], since: null },
  onProgress({ done, total }) {
    if (canceled) throw new Error('the verification was canceled');
    port.postMessage({ done, total } satisfies Told);
  },
}).then(
  ({ to, findings, findingCount }) => ({ to, findings: [...findings], findingCount }),
  (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
);
port.postMessage(told);
port.close();
