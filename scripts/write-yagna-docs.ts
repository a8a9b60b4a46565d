// Writes docs/yagna-compatibility.md; test/unit/api/yagna/paths.test.ts compares.
import { writeFileSync } from 'node:fs';
import { yagnaPage } from './yagna-page.ts';

writeFileSync(new URL('../docs/yagna-compatibility.md', import.meta.url), yagnaPage());
