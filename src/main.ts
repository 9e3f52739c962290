/** The process entry: `coffer <command>`. */
import { leaveOnSignal } from './cli/early-stop.ts';

leaveOnSignal(process.argv[2]);
const { runCli } = await import('./cli/program.ts');

process.exitCode = await runCli(process.argv);
