// Writes what is made from the configuration schema; test/unit/config/documentation.test.ts compares.
import { writeFileSync } from 'node:fs';
import { configurationPage, defaultConfigFile } from '../src/config/index.ts';

const root = new URL('../', import.meta.url);
writeFileSync(new URL('docs/configuration.md', root), configurationPage());
writeFileSync(new URL('config/ergon.default.json', root), defaultConfigFile());
