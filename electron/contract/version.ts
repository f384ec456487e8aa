/** The product's version. The same as in package.json; a unit test holds the two together. */
export const version = '0.1.0';
