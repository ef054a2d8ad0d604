package io.turnstile.offload;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Texts of providers, made fit to be kept and shown within a line. A provider may say anything, and any amount of it,
 * so each text is cut where it enters.
 *
 * <p>Threads: any.
 */
final class ProviderText {
    /** The most characters of a text, the ellipsis included. */
    static final int MAX_LENGTH = 200;
    /** The most lines of a description, the one that says that there were more included. */
    static final int MAX_LINES = 64;

    private static final char ELLIPSIS = '…';

    private ProviderText() {}

    /** The text within a line: control characters are blanks, what is too long ends in an ellipsis. Null is empty. */
    static String line(@Nullable String given) {
        if (given == null) {
            return "";
        }
        boolean fits = given.length() <= MAX_LENGTH;
        String cut = fits ? given : start(given);
        for (int i = 0; i < cut.length(); i++) {
            if (isControl(cut.charAt(i))) {
                return withoutControls(cut);
            }
        }
        return cut;
    }

    private static String start(String given) {
        int end = MAX_LENGTH - 1;
        return given.substring(0, Character.isHighSurrogate(given.charAt(end - 1)) ? end - 1 : end) + ELLIPSIS;
    }

    private static boolean isControl(char c) {
        return Character.isISOControl(c) || c == '\u2028' || c == '\u2029';
    }

    /** One blank for each run of control characters. */
    private static String withoutControls(String text) {
        StringBuilder line = new StringBuilder(text.length());
        boolean inRun = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean control = isControl(c);
            if (!control) {
                line.append(c);
            } else if (!inRun) {
                line.append(' ');
            }
            inRun = control;
        }
        return line.toString();
    }

    /** Why a provider does not want, or could not: a line that is never empty. */
    static String reason(@Nullable String given) {
        String reason = line(given).strip();
        return reason.isEmpty() ? "no reason given" : reason;
    }

    /** The first lines, each as by {@link #line}. */
    static List<String> lines(Iterable<@Nullable String> given) {
        List<String> lines = new ArrayList<>();
        for (String one : given) {
            if (lines.size() == MAX_LINES) {
                lines.set(MAX_LINES - 1, String.valueOf(ELLIPSIS));
                break;
            }
            lines.add(line(one));
        }
        return List.copyOf(lines);
    }

    /** The throwable in words, even if it cannot say them itself. Runs its code. */
    static String of(Throwable thrown) {
        return FailureText.of(thrown).text();
    }

    /** A class's name without its package. {@link Class#getSimpleName} can throw, for classes that are odd enough. */
    static String simpleName(Class<?> type) {
        String name = type.getName();
        return line(name.substring(name.lastIndexOf('.') + 1));
    }
}
