// The bare write's process. It gets the load as one message from its parent, and answers with the result.

import { runBareWrites, type BareLoad } from './bare-write-run.ts';

process.once('message', (load: BareLoad) => {
  void runBareWrites(load).then((result) => {
    process.send?.(result, () => process.disconnect?.());
  });
});
