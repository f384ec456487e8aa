/** How a tensor type stores its values: `bytes` for each block of `block` values, and `end` bytes after the last. */
export interface TensorType {
  readonly name: string;
  readonly block: number;
  readonly bytes: number;
  readonly end?: number;
}

/** The ternary type of bitnet.cpp, which llama.cpp does not know. */
export const bitnetTensorType = 36;

const tensorTypes = new Map<number, TensorType>([
  [0, { name: 'F32', block: 1, bytes: 4 }],
  [1, { name: 'F16', block: 1, bytes: 2 }],
  [2, { name: 'Q4_0', block: 32, bytes: 18 }],
  [3, { name: 'Q4_1', block: 32, bytes: 20 }],
  [6, { name: 'Q5_0', block: 32, bytes: 22 }],
  [7, { name: 'Q5_1', block: 32, bytes: 24 }],
  [8, { name: 'Q8_0', block: 32, bytes: 34 }],
  [9, { name: 'Q8_1', block: 32, bytes: 36 }],
  [10, { name: 'Q2_K', block: 256, bytes: 84 }],
  [11, { name: 'Q3_K', block: 256, bytes: 110 }],
  [12, { name: 'Q4_K', block: 256, bytes: 144 }],
  [13, { name: 'Q5_K', block: 256, bytes: 176 }],
  [14, { name: 'Q6_K', block: 256, bytes: 210 }],
  [15, { name: 'Q8_K', block: 256, bytes: 292 }],
  [16, { name: 'IQ2_XXS', block: 256, bytes: 66 }],
  [17, { name: 'IQ2_XS', block: 256, bytes: 74 }],
  [18, { name: 'IQ3_XXS', block: 256, bytes: 98 }],
  [19, { name: 'IQ1_S', block: 256, bytes: 50 }],
  [20, { name: 'IQ4_NL', block: 32, bytes: 18 }],
  [21, { name: 'IQ3_S', block: 256, bytes: 110 }],
  [22, { name: 'IQ2_S', block: 256, bytes: 82 }],
  [23, { name: 'IQ4_XS', block: 256, bytes: 136 }],
  [24, { name: 'I8', block: 1, bytes: 1 }],
  [25, { name: 'I16', block: 1, bytes: 2 }],
  [26, { name: 'I32', block: 1, bytes: 4 }],
  [27, { name: 'I64', block: 1, bytes: 8 }],
  [28, { name: 'F64', block: 1, bytes: 8 }],
  [29, { name: 'IQ1_M', block: 256, bytes: 56 }],
  [30, { name: 'BF16', block: 1, bytes: 2 }],
  [34, { name: 'TQ1_0', block: 256, bytes: 54 }],
  [35, { name: 'TQ2_0', block: 256, bytes: 66 }],
  // Four weights a byte and one scale for the whole tensor, in a block of 32 bytes.
  [bitnetTensorType, { name: 'I2_S', block: 4, bytes: 1, end: 32 }],
  [39, { name: 'MXFP4', block: 32, bytes: 17 }],
  [40, { name: 'NVFP4', block: 64, bytes: 36 }],
  [41, { name: 'Q1_0', block: 128, bytes: 18 }],
  [42, { name: 'Q2_0', block: 64, bytes: 18 }],
]);

/** Undefined for types this table does not know. */
export function tensorType(id: number): TensorType | undefined {
  return tensorTypes.get(id);
}

/** Name of a tensor type, `type 99` for an unknown one. */
export function tensorTypeName(id: number): string {
  return tensorTypes.get(id)?.name ?? `type ${id}`;
}

const fileTypes = new Map<number, string>([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [7, 'Q8_0'],
  [8, 'Q5_0'],
  [9, 'Q5_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K_S'],
  [12, 'Q3_K_M'],
  [13, 'Q3_K_L'],
  [14, 'Q4_K_S'],
  [15, 'Q4_K_M'],
  [16, 'Q5_K_S'],
  [17, 'Q5_K_M'],
  [18, 'Q6_K'],
  [19, 'IQ2_XXS'],
  [20, 'IQ2_XS'],
  [21, 'Q2_K_S'],
  [22, 'IQ3_XS'],
  [23, 'IQ3_XXS'],
  [24, 'IQ1_S'],
  [25, 'IQ4_NL'],
  [26, 'IQ3_S'],
  [27, 'IQ3_M'],
  [28, 'IQ2_S'],
  [29, 'IQ2_M'],
  [30, 'IQ4_XS'],
  [31, 'IQ1_M'],
  [32, 'BF16'],
  [36, 'TQ1_0'],
  [37, 'TQ2_0'],
  [38, 'MXFP4'],
]);

/** Bytes that so many values of a type take; 0 for a type that this table does not know. */
export function storedBytes(id: number, values: number): number {
  const stored = tensorTypes.get(id);
  return stored ? Math.ceil(values / stored.block) * stored.bytes + (stored.end ?? 0) : 0;
}

/** What `general.file_type` calls the quantization of a whole file. */
export function fileTypeName(id: number): string | undefined {
  return fileTypes.get(id);
}
