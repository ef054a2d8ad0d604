package io.turnstile.bpf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The CPUs that the machine can ever have, each of which has its value in a per-CPU map; it never changes while the
 * kernel runs.
 */
public final class PossibleCpus {
    private static final Path FILE = Path.of("/sys/devices/system/cpu/possible");

    private PossibleCpus() {}

    /** How many there are. */
    public static int count() {
        return countOf(Here.LIST);
    }

    /** One more than the highest number that a CPU has, as programs see it: numbers need not follow one another. */
    public static int numbers() {
        return numbersOf(Here.LIST);
    }

    /** Counts a list such as {@code 0-3,8} (cputopology.rst). */
    static int countOf(String list) {
        int count = 0;
        for (String range : list.strip().split(",")) {
            int dash = range.indexOf('-');
            count += dash < 0
                    ? 1
                    : Integer.parseInt(range.substring(dash + 1)) - Integer.parseInt(range.substring(0, dash)) + 1;
        }
        return count;
    }

    /** The last range of the list is the highest. */
    static int numbersOf(String list) {
        String[] numbers = list.strip().split("[,-]");
        return Integer.parseInt(numbers[numbers.length - 1]) + 1;
    }

    /** Read once. */
    private static final class Here {
        static final String LIST = read();

        private static String read() {
            try {
                return Files.readString(FILE);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
