package io.turnstile.bench;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number that may end with k or M: {@code 100M}. */
final class Amount implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
        int unit = text.endsWith("M") ? 1_000_000 : text.endsWith("k") ? 1_000 : 1;
        try {
            return Math.multiplyExact(Integer.parseInt(unit == 1 ? text : text.substring(0, text.length() - 1)), unit);
        } catch (NumberFormatException | ArithmeticException e) {
            throw new TypeConversionException("'" + text + "' is not a number such as 5000, 200k or 10M");
        }
    }
}
