import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** One line of code in a file of a project made for the purpose. */
export type Plant = { readonly file: string; readonly line: string };

/** Rules of the linter found broken, by plant. */
export type Findings = ReadonlyMap<Plant, readonly string[]>;

type Diagnostic = { code?: string; message: string; filename: string; labels: { span: { line: number } }[] };

/**
 * Lints one-line plants with the configuration of this repository, all in one run, in a temporary project
 * that has nothing else but `files`. Throws when anything is found that belongs to no plant.
 */
export function lintPlants(plants: readonly Plant[], files: Readonly<Record<string, string>> = {}): Findings {
  const project = mkdtempSync(join(tmpdir(), 'coffer-lint-'));
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
      cpSync(join(repositoryRoot, name), join(project, name));
    }
    symlinkSync(join(repositoryRoot, 'node_modules'), join(project, 'node_modules'));
    const planted = Map.groupBy(plants, (plant) => plant.file);
    for (const [file, source] of Object.entries(files)) write(join(project, file), source);
    for (const [file, lines] of planted) write(join(project, file), lines.map(({ line }) => line).join('\n'));
    return attribute(lint(project), planted);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

function write(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${source}\n`);
}

function lint(project: string): Diagnostic[] {
  const oxlint = join(repositoryRoot, 'node_modules/oxlint/bin/oxlint');
  const flags = ['--type-aware', '--deny-warnings', '--format=json'];
  const { stdout, stderr, status } = spawnSync(process.execPath, [oxlint, ...flags], {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not lint: ${stdout}${stderr}`);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
  if ((status === 0) !== (diagnostics.length === 0)) {
    throw new Error(`oxlint exited with ${status} after ${diagnostics.length} findings`);
  }
  return diagnostics;
}

function attribute(diagnostics: readonly Diagnostic[], planted: ReadonlyMap<string, Plant[]>): Findings {
  const findings = new Map<Plant, string[]>();
  for (const { code, message, filename, labels } of diagnostics) {
    const line = labels[0]?.span.line ?? 0;
    const plant = planted.get(filename)?.[line - 1];
    if (plant === undefined) throw new Error(`${filename}:${line}: ${code}: ${message}`);
    findings.set(plant, [...(findings.get(plant) ?? []), code ?? message]);
  }
  return findings;
}
