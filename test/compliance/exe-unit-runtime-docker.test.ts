import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  busyboxImage,
  busyboxProgram,
  describeDocker,
  dockerRuntime,
  makePlace,
  removePlace,
  type Place,
} from '../support/docker-engine.ts';
import { exeUnitRuntimeSuite } from './exe-unit-runtime.suite.ts';

const image = busyboxImage();

for (const volume of ['filesystem', 'measured']) {
  describeDocker(`with a volume that is ${volume}`, () => {
    const places = new Map<string, Place>();
    exeUnitRuntimeSuite('docker', {
      async setup() {
        const place = makePlace(image);
        mkdirSync(place.workDir, { recursive: true });
        places.set(place.workDir, place);
        const badPackagePath = join(place.root, 'bad');
        writeFileSync(badPackagePath, 'no image at all');
        return {
          runtime: dockerRuntime({ volume }),
          workDir: place.workDir,
          badPackagePath,
          program: (behaviour, ...args) => ({
            packagePath: place.packagePath,
            command: busyboxProgram(behaviour, args),
          }),
        };
      },
      async teardown({ workDir }) {
        const place = places.get(workDir);
        if (place !== undefined) removePlace(place);
      },
    });
  });
}
