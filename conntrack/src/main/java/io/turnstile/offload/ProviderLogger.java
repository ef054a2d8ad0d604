package io.turnstile.offload;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The switch's log as a provider sees it: lines bear its name and are cut; of a throwable there is one line as well.
 * Nothing of it throws, whatever it is given.
 *
 * <p>Threads: any.
 */
final class ProviderLogger implements System.Logger {
    private final String name;
    private final Logger log;

    ProviderLogger(String name) {
        this(name, LoggerFactory.getLogger("io.turnstile.offload.provider." + name));
    }

    ProviderLogger(String name, Logger log) {
        this.name = name;
        this.log = log;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        try {
            return level != Level.OFF && log.isEnabledForLevel(slf4j(level));
        } catch (Throwable e) { // contained: a log that fails is no failure of the provider's
            HeapExhaustion.check(e);
            return false;
        }
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String text, @Nullable Throwable thrown) {
        if (isLoggable(level)) {
            write(level, localized(bundle, text), thrown);
        }
    }

    /** {@code log(level, text)} comes here too, with no parameters: that text is no pattern. */
    @Override
    public void log(
            Level level,
            @Nullable ResourceBundle bundle,
            @Nullable String format,
            @Nullable Object @Nullable ... parameters) {
        if (isLoggable(level)) {
            String text = localized(bundle, format);
            write(level, parameters == null || parameters.length == 0 ? text : formatted(text, parameters), null);
        }
    }

    private static String localized(@Nullable ResourceBundle bundle, @Nullable String key) {
        if (bundle == null || key == null) {
            return key == null ? "" : key;
        }
        try {
            return bundle.getString(key);
        } catch (Throwable e) { // contained: it is not in the bundle, or is no text
            HeapExhaustion.check(e);
            return key;
        }
    }

    private static String formatted(String pattern, @Nullable Object[] parameters) {
        try {
            return MessageFormat.format(pattern, parameters);
        } catch (Throwable e) { // contained: it is no pattern, or a parameter cannot be put in words
            HeapExhaustion.check(e);
            return pattern;
        }
    }

    private void write(Level level, String text, @Nullable Throwable thrown) {
        String cause = thrown == null ? "" : ": " + ProviderText.of(thrown);
        try {
            log.atLevel(slf4j(level)).log("{}: {}{}", name, ProviderText.line(text), cause);
        } catch (Throwable e) { // contained, as above
            HeapExhaustion.check(e);
        }
    }

    private static org.slf4j.event.Level slf4j(Level level) {
        return switch (level) {
            case ALL, TRACE -> org.slf4j.event.Level.TRACE;
            case DEBUG -> org.slf4j.event.Level.DEBUG;
            case INFO -> org.slf4j.event.Level.INFO;
            case WARNING -> org.slf4j.event.Level.WARN;
            case ERROR, OFF -> org.slf4j.event.Level.ERROR;
        };
    }
}
