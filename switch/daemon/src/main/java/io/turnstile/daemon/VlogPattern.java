package io.turnstile.daemon;

import ch.qos.logback.classic.spi.ILoggingEvent;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How log lines look, as {@code vlog/set PATTERN:destination:pattern} says (ovs-appctl(8)): conversions
 * {@code %[-][0][width]letter[{argument}]} between characters that stand for themselves.
 *
 * <p>Threads: immutable.
 */
final class VlogPattern {
    /** A line as ovs-vswitchd's file has it. */
    static final VlogPattern USUAL = parse("%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c|%p|%m");

    private static final String USUAL_TIME = "%Y-%m-%d %H:%M:%S.###";
    private static final char LITERAL = 0;
    /** local0, as there is no syslog whose facility could be set, and its levels. */
    private static final int FACILITY = 16 << 3;

    private static final long START_MS = System.currentTimeMillis();
    private static final String HOST = host();

    /** @param text the argument, or what stands for itself */
    private record Piece(char conversion, boolean left, char padding, int width, String text) {}

    private final List<Piece> pieces;

    private VlogPattern(List<Piece> pieces) {
        this.pieces = pieces;
    }

    static VlogPattern parse(String pattern) {
        List<Piece> pieces = new ArrayList<>();
        int at = 0;
        while (at < pattern.length()) {
            int percent = pattern.indexOf('%', at);
            int end = percent < 0 ? pattern.length() : percent;
            if (end > at) {
                pieces.add(new Piece(LITERAL, false, ' ', 0, pattern.substring(at, end)));
            }
            at = end < pattern.length() ? conversion(pattern, end + 1, pieces) : end;
        }
        return new VlogPattern(List.copyOf(pieces));
    }

    /** Reads what stands behind a percent sign; returns where it ends. */
    private static int conversion(String pattern, int from, List<Piece> into) {
        int at = from;
        boolean left = at < pattern.length() && pattern.charAt(at) == '-';
        at += left ? 1 : 0;
        boolean zeros = at < pattern.length() && pattern.charAt(at) == '0';
        at += zeros ? 1 : 0;
        int width = 0;
        while (at < pattern.length() && Character.isDigit(pattern.charAt(at))) {
            width = Math.min(width * 10 + pattern.charAt(at) - '0', 1000);
            at++;
        }
        if (at == pattern.length()) {
            return at;
        }
        char letter = pattern.charAt(at++);
        String argument = "";
        if ("cdD".indexOf(letter) >= 0 && at < pattern.length() && pattern.charAt(at) == '{') {
            int close = pattern.indexOf('}', at);
            int end = close < 0 ? pattern.length() : close;
            argument = pattern.substring(at + 1, end);
            at = Math.min(end + 1, pattern.length());
        }
        into.add(new Piece(letter, left, zeros ? '0' : ' ', width, argument));
        return at;
    }

    /**
     * Appends the line without its end.
     *
     * @param message of which nobody can make a line of their own
     * @param number of the destination's lines
     */
    void format(StringBuilder line, ILoggingEvent event, String module, String message, long number) {
        for (Piece piece : pieces) {
            int start = line.length();
            line.append(piece.conversion == LITERAL ? piece.text : converted(piece, event, module, message, number));
            int missing = piece.width - (line.length() - start);
            if (missing > 0) {
                String padding = String.valueOf(piece.padding).repeat(missing);
                line.insert(piece.left ? line.length() : start, padding);
            }
        }
    }

    private static String converted(Piece piece, ILoggingEvent event, String module, String message, long number) {
        return switch (piece.conversion) {
            case 'A' -> "ovs-vswitchd";
            case 'B' -> Integer.toString(FACILITY + severity(LogSettings.levelName(event.getLevel())));
            case 'c' -> module;
            case 'd' -> time(piece.text, event.getTimeStamp(), ZoneId.systemDefault());
            case 'D' -> time(piece.text, event.getTimeStamp(), ZoneOffset.UTC);
            case 'E' -> HOST;
            case 'm' -> message;
            case 'N' -> Long.toString(number);
            case 'n' -> "\n";
            case 'p' -> LogSettings.levelName(event.getLevel());
            case 'P' -> Long.toString(ProcessHandle.current().pid());
            case 'r' -> Long.toString(event.getTimeStamp() - START_MS);
            case 't' -> event.getThreadName();
            case 'T' -> event.getThreadName().equals("main") ? "" : "(" + event.getThreadName() + ")";
            default -> String.valueOf(piece.conversion);
        };
    }

    /** RFC 5424 §6.2.1. */
    private static int severity(String level) {
        return switch (level) {
            case "ERR" -> 3;
            case "WARN" -> 4;
            case "INFO" -> 6;
            default -> 7;
        };
    }

    /** A time as strftime(3) writes it, with milliseconds in the place of {@code #}. */
    private static String time(String format, long millis, ZoneId zone) {
        String wanted = format.isEmpty() ? USUAL_TIME : format;
        ZonedDateTime time = Instant.ofEpochMilli(millis).atZone(zone);
        String digits = "%03d".formatted(millis % 1000);
        StringBuilder text = new StringBuilder();
        int fraction = 0;
        for (int i = 0; i < wanted.length(); i++) {
            char c = wanted.charAt(i);
            if (c == '%' && i + 1 < wanted.length()) {
                text.append(part(wanted.charAt(++i), time));
            } else if (c == '#') {
                text.append(fraction < digits.length() ? digits.charAt(fraction) : '0');
                fraction++;
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    private static String part(char letter, ZonedDateTime time) {
        String pattern = switch (letter) {
            case 'Y' -> "uuuu";
            case 'y' -> "uu";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'j' -> "DDD";
            case 'a' -> "EEE";
            case 'A' -> "EEEE";
            case 'b', 'h' -> "MMM";
            case 'B' -> "MMMM";
            case 'F' -> "uuuu-MM-dd";
            case 'T' -> "HH:mm:ss";
            case 'R' -> "HH:mm";
            case 'z' -> "xx";
            case 'Z' -> "zzz";
            default -> "";
        };
        return switch (letter) {
            case 's' -> Long.toString(time.toEpochSecond());
            case '%' -> "%";
            default ->
                pattern.isEmpty() ? "%" + letter : time.format(DateTimeFormatter.ofPattern(pattern, Locale.ROOT));
        };
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
