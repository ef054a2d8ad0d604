package io.turnstile.appctl;

import io.turnstile.telemetry.OffloadMonitor.From;
import io.turnstile.telemetry.OffloadMonitor.Request;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The arguments {@code [since=SEQ|now] [limit=N] [wait=MS]} of {@code conntrack/offload-monitor}, in any order. */
final class OffloadMonitorArguments {
    private static final int DEFAULT_LIMIT = 1000;
    private static final int MAX_LIMIT = 10_000;
    private static final int MAX_WAIT_MS = 60_000;

    private OffloadMonitorArguments() {}

    static Request parse(List<String> words) throws BadArgument {
        From from = new From.Oldest();
        long limit = DEFAULT_LIMIT;
        long waitMs = 0;
        Set<String> seen = new HashSet<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            String key = equals < 0 ? word : word.substring(0, equals);
            String value = equals < 0 ? "" : word.substring(equals + 1);
            if (!seen.add(key)) {
                throw new BadArgument(key + " is set multiple times");
            }
            switch (key) {
                case "since" ->
                    from = value.equals("now") ? new From.Now() : new From.After(number(key, value, 0, Long.MAX_VALUE));
                case "limit" -> limit = number(key, value, 1, MAX_LIMIT);
                case "wait" -> waitMs = number(key, value, 0, MAX_WAIT_MS);
                default -> throw new BadArgument("invalid argument " + word);
            }
        }
        return new Request(from, (int) limit, waitMs);
    }

    private static long number(String key, String text, long smallest, long largest) throws BadArgument {
        try {
            long number = Long.parseLong(text);
            if (number >= smallest && number <= largest && Character.isDigit(text.charAt(0))) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // said below
        }
        throw new BadArgument(key + "=" + text + ": not a whole number from " + smallest
                + (largest == Long.MAX_VALUE ? " on" : " to " + largest));
    }
}
