package io.turnstile.offload;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The switch's log as a provider sees it: lines bear its name and are cut; of a throwable there is one line as well.
 *
 * <p>Threads: any.
 */
final class ProviderLogger implements System.Logger {
    private final String name;
    private final Logger log;

    ProviderLogger(String name) {
        this.name = name;
        log = LoggerFactory.getLogger("io.turnstile.offload.provider." + name);
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        return level != Level.OFF && log.isEnabledForLevel(slf4j(level));
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String text, @Nullable Throwable thrown) {
        if (isLoggable(level)) {
            String line = ProviderText.line(text);
            String cause = thrown == null ? "" : ": " + ProviderText.of(thrown);
            log.atLevel(slf4j(level)).log("{}: {}{}", name, line, cause);
        }
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String format, Object... parameters) {
        if (isLoggable(level)) {
            log(level, bundle, format == null ? null : MessageFormat.format(format, parameters), (Throwable) null);
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
