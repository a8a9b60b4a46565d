import type { PaymentDriver } from '../interface/payment.ts';
import { PaymentError } from './errors.ts';

/** Payment drivers by the name of their platform. */
export interface DriverRegistry {
  /** Throws PaymentError ERR_PAYMENT_PLATFORM when none serves it. */
  get(platform: string): PaymentDriver;
  find(platform: string): PaymentDriver | undefined;
  all(): readonly PaymentDriver[];
}

/** The payment drivers by platform. @throws PaymentError ERR_PAYMENT_PLATFORM when two serve the same one */
export function driverRegistry(drivers: readonly PaymentDriver[]): DriverRegistry {
  const byPlatform = new Map(drivers.map((driver) => [driver.platform, driver]));
  if (byPlatform.size !== drivers.length)
    throw new PaymentError('ERR_PAYMENT_PLATFORM', 'Two payment drivers serve the same platform', {
      platforms: drivers.map((driver) => driver.platform).join(', '),
    });
  return {
    find: (platform) => byPlatform.get(platform),
    all: () => [...byPlatform.values()],
    get(platform) {
      const driver = byPlatform.get(platform);
      if (driver === undefined) {
        const known = [...byPlatform.keys()].join(', ');
        throw new PaymentError(
          'ERR_PAYMENT_PLATFORM',
          `No driver serves ${platform}; there is: ${known || 'none'}`,
          {
            platform,
            known,
          },
        );
      }
      return driver;
    },
  };
}
