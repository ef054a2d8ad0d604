package io.turnstile.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import io.turnstile.appctl.LogControl;
import io.turnstile.time.OncePerMinute;
import io.turnstile.time.RateLimit;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The levels that each module logs at, by destination, in the words of {@code vlog/set} (ovs-appctl(8)). What modules
 * there are stands in {@link LogModules}. Destinations are the console (standard error) and a file; there is no syslog
 * here, and asking for it is refused.
 *
 * <p>Threads: any.
 */
final class LogSettings {
    private static final Map<String, Level> LEVELS = Map.of(
            "off",
            Level.OFF,
            "emer",
            Level.ERROR,
            "err",
            Level.ERROR,
            "warn",
            Level.WARN,
            "info",
            Level.INFO,
            "dbg",
            Level.DEBUG);

    /** A place where log lines go, and from which level on those of each module do. */
    private enum Destination {
        CONSOLE(Level.INFO),
        SYSLOG(Level.OFF),
        FILE(Level.INFO);

        private final Map<LogModules, Level> levels = new ConcurrentHashMap<>();
        private VlogLayout layout = new VlogLayout();
        private VlogPattern pattern = VlogPattern.USUAL;

        Destination(Level atFirst) {
            setAll(atFirst);
        }

        /** The layout of the lines to come, which are numbered anew. */
        VlogLayout newLayout(LoggerContext context) {
            layout = new VlogLayout();
            layout.setPattern(pattern);
            layout.setContext(context);
            layout.start();
            return layout;
        }

        void setPattern(VlogPattern wanted) {
            pattern = wanted;
            layout.setPattern(wanted);
        }

        void setAll(Level level) {
            for (LogModules module : LogModules.values()) {
                levels.put(module, level);
            }
        }

        Level level(LogModules module) {
            return Objects.requireNonNull(levels.get(module), "each module has a level at each destination");
        }
    }

    /**
     * Warns where no device has a hardware address; Netty would make a number out of one that is used for nothing here.
     */
    private static final String MACHINE_NUMBER = "io.netty.util.internal.MacAddressUtil";

    /** {@code PATTERN:destination:pattern}; the pattern may have blanks and colons. */
    private static final Pattern PATTERN = Pattern.compile(
            "\\s*pattern(?:[ ,:\t]+([^ ,:\t]*)[ ,:\t]?(.*))?", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /** Null while none is logged to. */
    private static @Nullable FileAppender<ILoggingEvent> file;

    private LogSettings() {}

    /** Logs to the console, and to the file if there is one, from now on. */
    static synchronized void start(@Nullable Path logFile) {
        LoggerContext context = context();
        context.reset();
        context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.WARN);
        context.getLogger(MACHINE_NUMBER).setLevel(Level.ERROR);
        ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
        console.setTarget("System.err");
        attach(console, Destination.CONSOLE);
        if (logFile != null) {
            openFile(logFile.toString());
        }
        applyLevels();
    }

    /** The console hears of nothing but complaints, as long as nobody asks for more. */
    static synchronized void onlyComplaints() {
        Destination.CONSOLE.setAll(Level.WARN);
        applyLevels();
    }

    /** The settings as {@code vlog/…} changes them. */
    static LogControl control() {
        return new LogControl() {
            @Override
            public @Nullable String set(String spec) {
                return LogSettings.set(spec);
            }

            @Override
            public String list() {
                return LogSettings.list();
            }

            @Override
            public @Nullable String reopen() {
                return LogSettings.reopen();
            }

            @Override
            public boolean setBounded(String module, boolean bounded) {
                return LogSettings.setBounded(module, bounded);
            }

            @Override
            public void close() {
                LogSettings.closeFile();
            }
        };
    }

    private static boolean setBounded(String name, boolean bounded) {
        LogModules module = LogModules.named(name);
        boolean isAny = name.equalsIgnoreCase("any");
        if (module == null && !isAny) {
            return false;
        }
        RateLimit.setLifted(
                logger -> isAny
                        || LogModules.of(logger).filter(of -> of == module).isPresent(),
                !bounded);
        return true;
    }

    private static void openFile(String path) {
        FileAppender<ILoggingEvent> opened = new FileAppender<>();
        opened.setFile(path);
        attach(opened, Destination.FILE);
        if (!opened.isStarted()) { // Logback itself tells nobody.
            LoggerFactory.getLogger(LogSettings.class).warn("failed to open {} for logging", path);
        }
        file = opened;
    }

    private static void attach(OutputStreamAppender<ILoggingEvent> appender, Destination destination) {
        LoggerContext context = context();
        LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
        encoder.setContext(context);
        encoder.setLayout(destination.newLayout(context));
        encoder.start();
        appender.setContext(context);
        appender.setName(destination.name());
        appender.setEncoder(encoder);
        appender.addFilter(new ByModule(destination));
        appender.addFilter(new OncePerCause());
        appender.start();
        context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(appender);
    }

    private static LoggerContext context() {
        return (LoggerContext) LoggerFactory.getILoggerFactory();
    }

    /**
     * The filter of a destination: it lets through what the modules' levels there allow. Classes of libraries come
     * through from warnings on.
     */
    private static final class ByModule extends Filter<ILoggingEvent> {
        private final Destination destination;

        ByModule(Destination destination) {
            this.destination = destination;
        }

        @Override
        public FilterReply decide(ILoggingEvent event) {
            Level threshold =
                    LogModules.of(event.getLoggerName()).map(destination::level).orElse(Level.WARN);
            return event.getLevel().isGreaterOrEqual(threshold) ? FilterReply.NEUTRAL : FilterReply.DENY;
        }
    }

    /**
     * The last filter of a destination: it lets through what was thrown once a minute for each cause, whoever logs it,
     * libraries too.
     */
    private static final class OncePerCause extends Filter<ILoggingEvent> {
        private final OncePerMinute told = new OncePerMinute();

        @Override
        public FilterReply decide(ILoggingEvent event) {
            boolean repeated = event.getThrowableProxy() instanceof ThrowableProxy thrown
                    && !told.isDue(event.getLoggerName(), thrown.getThrowable());
            return repeated ? FilterReply.DENY : FilterReply.NEUTRAL;
        }
    }

    /** Sets each logger to the lowest level that a destination wants of its module. */
    private static void applyLevels() {
        for (LogModules module : LogModules.values()) {
            Level lowest = Arrays.stream(Destination.values())
                    .map(destination -> destination.level(module))
                    .min(Comparator.comparingInt(Level::toInt))
                    .orElse(Level.INFO);
            context().getLogger(module.logger()).setLevel(lowest);
        }
    }

    /**
     * Sets levels, or a pattern. The words are a module, a destination and a level in any order, separated by colons,
     * commas or blanks; a module or destination left out means all, a level left out {@code dbg}.
     *
     * @return what is wrong with the words, null if nothing is
     */
    static synchronized @Nullable String set(String spec) {
        Matcher pattern = PATTERN.matcher(spec);
        if (pattern.matches()) {
            return setPattern(Objects.requireNonNullElse(pattern.group(1), ""), pattern.group(2));
        }
        Set<LogModules> modules = EnumSet.noneOf(LogModules.class);
        Set<Destination> destinations = new TreeSet<>();
        Level level = null;
        for (String word : spec.strip().split("[:,\\s]+")) {
            String lower = word.toLowerCase(Locale.ROOT);
            LogModules module = LogModules.named(word);
            if (lower.equals("facility")) {
                return word + " is not supported";
            } else if (LEVELS.containsKey(lower)) {
                if (level != null) {
                    return "cannot specify multiple levels";
                }
                level = LEVELS.get(lower);
            } else if (Arrays.stream(Destination.values())
                    .anyMatch(known -> known.name().equalsIgnoreCase(lower))) {
                if (!destinations.isEmpty()) {
                    return "cannot specify multiple destinations";
                }
                destinations.add(Destination.valueOf(lower.toUpperCase(Locale.ROOT)));
            } else if (module != null) {
                if (!modules.isEmpty()) {
                    return "cannot specify multiple modules";
                }
                modules.add(module);
            } else if (!lower.equals("any") && !lower.isEmpty()) {
                return "no destination, level, or module \"" + word + "\"";
            }
        }
        return apply(
                modules.isEmpty() ? EnumSet.allOf(LogModules.class) : modules,
                destinations,
                level == null ? Level.DEBUG : level);
    }

    /** How lines look at a destination, or at all. */
    private static @Nullable String setPattern(String destination, @Nullable String pattern) {
        if (destination.isEmpty()) {
            return "missing destination";
        }
        List<Destination> meant = Arrays.stream(Destination.values())
                .filter(known ->
                        destination.equalsIgnoreCase("any") || known.name().equalsIgnoreCase(destination))
                .toList();
        if (meant.isEmpty()) {
            return "unknown destination \"" + destination + "\"";
        }
        VlogPattern parsed = VlogPattern.parse(pattern == null ? "" : pattern);
        meant.forEach(known -> known.setPattern(parsed));
        return null;
    }

    private static @Nullable String apply(Set<LogModules> modules, Set<Destination> destinations, Level level) {
        if (destinations.contains(Destination.SYSLOG) && level != Level.OFF) {
            return "syslog is not supported; log to a file";
        }
        for (Destination destination :
                destinations.isEmpty() ? Set.of(Destination.CONSOLE, Destination.FILE) : destinations) {
            modules.forEach(module -> destination.levels.put(module, level));
        }
        applyLevels();
        return null;
    }

    /** The table of {@code vlog/list}. */
    static String list() {
        return "                 console    syslog    file\n                 -------    ------    ------\n"
                + LogModules.names().stream()
                        .map(name -> "%-16s  %4s       %4s       %4s\n"
                                .formatted(
                                        name,
                                        label(Destination.CONSOLE, name),
                                        label(Destination.SYSLOG, name),
                                        label(Destination.FILE, name)))
                        .collect(Collectors.joining());
    }

    private static String label(Destination destination, String name) {
        LogModules module = Objects.requireNonNull(LogModules.named(name), "the table has its own names");
        return levelName(destination.level(module));
    }

    /** The name of a level in log lines and in {@code vlog/list}. */
    static String levelName(Level level) {
        return switch (level.toInt()) {
            case Level.OFF_INT -> "OFF";
            case Level.ERROR_INT -> "ERR";
            case Level.WARN_INT -> "WARN";
            case Level.INFO_INT -> "INFO";
            default -> "DBG";
        };
    }

    /**
     * Opens the log file anew, after it was moved away.
     *
     * @return what is wrong, null if nothing is
     */
    static synchronized @Nullable String reopen() {
        if (file == null) {
            return "Logging to file not configured";
        }
        stopFile(file);
        openFile(file.getFile());
        return null;
    }

    /** Logs to no file any more, until it is reopened. */
    static synchronized void closeFile() {
        if (file != null) {
            stopFile(file);
        }
    }

    private static void stopFile(FileAppender<ILoggingEvent> appender) {
        context().getLogger(Logger.ROOT_LOGGER_NAME).detachAppender(appender);
        appender.stop();
    }
}
