import type { ConfigField } from './fields.ts';

/**
 * The value that a text from the environment or the command line stands for. What does not parse is given back as
 * it is, for the check to refuse with the text in the message.
 */
export function parseText(field: Pick<ConfigField, 'kind'>, text: string): unknown {
  switch (field.kind) {
    case 'integer':
      return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
    case 'number':
      return /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return text.startsWith('[')
        ? parseJson(text)
        : text
            .split(',')
            .map((item) => item.trim())
            .filter((item) => item !== '');
    case 'JSON':
      return parseJson(text);
    default:
      return text;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
