/** Shorter ones would be found in innocent text, and could not be taken out of a provider's error. */
const shortest = 8;
const longest = 4_096;
const printable = /^[\x21-\x7e]+$/;
/** A line of a shell or of an .env file, pasted whole. */
const assignment = /^(?:export\s+)?[A-Z][A-Z0-9_]*=/;

export type JudgedSecret =
  | { readonly kind: 'key'; readonly value: string }
  /** The sentence never repeats what was given. */
  | { readonly kind: 'refused'; readonly sentence: string };

/** A provider's key as it was typed, pasted or read from a file: without the blanks around it, or why it is none. */
export function judgeSecret(given: string): JudgedSecret {
  const value = given.trim();
  if (value === '') return refused('No key was given. Give the key that the provider made for you.');
  if (assignment.test(value)) {
    return refused('This is a line that sets a variable, not a key. Give what stands behind the "=" alone.');
  }
  if (/^bearer\s/i.test(value)) return refused('This is a header, not a key. Give what stands behind "Bearer" alone.');
  if (!printable.test(value)) {
    return refused('The key has blanks, line breaks or characters in it that no key has. Copy it again, alone.');
  }
  if (value.length < shortest || value.length > longest) {
    return refused(`A key has ${shortest} to ${longest.toLocaleString('en-US')} characters. Copy it again, whole.`);
  }
  return { kind: 'key', value };
}

/** Ids of providers, as the settings have them: safe in the name of a file too. */
export function isSecretName(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(name);
}

function refused(sentence: string): JudgedSecret {
  return { kind: 'refused', sentence };
}
