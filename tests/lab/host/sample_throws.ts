// A test file for outcomes_test.ts that fails before it declares its test.

throw new Error("This file cannot be loaded, on purpose.");
