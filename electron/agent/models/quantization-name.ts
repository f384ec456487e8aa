/** The end of a file's stem that names its quantization, such as `-Q4_K_M`, `.i2_s` or `-UD-IQ2_XXS`. */
const quantizationEnd = /[-._](?:ud[-_])?(?:i?q\d(?:_[a-z0-9]+)*|tq\d_\d|i2_s|tl[12]|bf16|f16|f32|fp16|mxfp4)$/i;

/** A model's name without its quantization, lower case: what variants of one model have in common. */
export function groupOf(stem: string): string {
  const group = stem.toLowerCase().replace(quantizationEnd, '');
  return group === '' ? stem.toLowerCase() : group;
}
