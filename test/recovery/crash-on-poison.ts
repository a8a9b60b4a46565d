/*
 * Loaded into a daemon before its own code: it goes down at once when it reads the journal of an activity whose script
 * has the word, as one would that has a fault there.
 */
const parse = JSON.parse.bind(JSON);
JSON.parse = (text, reviver): unknown => {
  if (text.includes('"type":"batch"') && text.includes('poison')) process.kill(process.pid, 'SIGKILL');
  return parse(text, reviver);
};
