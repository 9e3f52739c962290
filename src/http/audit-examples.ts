/** Examples of what the sealed log answers. */
import { at, event } from './examples.ts';

const note = [
  'coffer/main/1-5f2c8a3d9e0b4716',
  '42',
  'Xcnaeacgamm0rVWctwHe1qKrnYI6rS9JYM/jcO/0YEM=',
  '',
  '\u2014 coffer/main/1-5f2c8a3d9e0b4716 x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
  '',
].join('\n');
const publicKeys = ['coffer/main/1-5f2c8a3d9e0b4716+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'];
const hashes = [
  'lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=',
  'XwjPChozygdqlSeZgyWA2z4O9FhP8f9oxUo2DVDeMB4=',
];

export const checkpoint = {
  origin: 'coffer/main/1-5f2c8a3d9e0b4716',
  treeSize: '42',
  rootHash: 'Xcnaeacgamm0rVWctwHe1qKrnYI6rS9JYM/jcO/0YEM=',
  sealedAt: at,
  note,
  publicKeys,
  unsealedEvents: '0',
};

export const inclusionProof = {
  position: '41',
  leafIndex: '40',
  treeSize: '42',
  leafHash: 'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=',
  hashes,
  rootHash: checkpoint.rootHash,
  checkpoint: note,
  publicKeys,
  event: { ...event, fingerprint: null, effectiveAt: null, data: JSON.stringify(event.data) },
};

export const consistencyProof = {
  from: '41',
  to: '42',
  fromRootHash: '3biIQx+WyVckWFqr6hYlmIlfkVDxZ7mzJ1J5YGQDYgs=',
  toRootHash: checkpoint.rootHash,
  hashes,
  checkpoint: note,
};

export const drift = { verifiedPosition: '42', checkedAt: at, findings: '0', latest: [] };

export const publicKey = { name: checkpoint.origin, vkey: publicKeys[0], current: true };

export const verification = {
  ...{
    id: '01998a6e-7c00-4000-8000-00000000000f',
    state: 'running',
    eventsDone: '500000',
    eventsTotal: '1000000',
  },
  ...{ eventsPerSecond: '100000', secondsLeft: 5, verifiedPosition: null, findings: [], findingCount: 0 },
  ...{ startedAt: at, finishedAt: null },
};
