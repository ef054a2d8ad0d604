package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.lang.System.Logger.Level;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.ResourceBundle;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.spi.LoggingEventBuilder;

/** What a provider writes to the log, by each way that {@link System.Logger} has. */
class ProviderLoggerTest {
    private final List<String> lines = new ArrayList<>();
    private final System.Logger logger = new ProviderLogger("card", keepingLines());

    /** Takes what is logged at any level, with its arguments put in as SLF4J does. */
    private Logger keepingLines() {
        return proxy(Logger.class, (method, given) -> switch (method) {
            case "atLevel" -> builder((org.slf4j.event.Level) given[0]);
            case "isEnabledForLevel" -> given[0] != org.slf4j.event.Level.TRACE;
            default -> throw new AssertionError(method);
        });
    }

    private LoggingEventBuilder builder(org.slf4j.event.Level level) {
        return proxy(LoggingEventBuilder.class, (method, given) -> {
            Object[] arguments = (Object[]) given[1];
            lines.add(level + " "
                    + org.slf4j.helpers.MessageFormatter.arrayFormat((String) given[0], arguments)
                            .getMessage());
            return null;
        });
    }

    private interface Answer {
        Object to(String method, Object[] given);
    }

    private static <T> T proxy(Class<T> type, Answer answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, given) -> answer.to(method.getName(), given)));
    }

    private static final ResourceBundle BUNDLE = new ResourceBundle() {
        @Override
        protected Object handleGetObject(String key) {
            return switch (key) {
                case "full" -> "table {0} is full";
                case "odd" -> 7;
                default -> null;
            };
        }

        @Override
        public Enumeration<String> getKeys() {
            return Collections.enumeration(List.of("full", "odd"));
        }
    };

    @Test
    void plainTextIsLoggedAsItIs() {
        logger.log(Level.INFO, "rule {dst=10.0.0.1} isn't there");
        logger.log(Level.WARNING, () -> "it's {0} again");
        logger.log(Level.ERROR, "can't {", new IllegalStateException("no device"));
        logger.log(Level.INFO, (Object) List.of("an object"));
        assertThat(lines)
                .containsExactly(
                        "INFO card: rule {dst=10.0.0.1} isn't there",
                        "WARN card: it's {0} again",
                        "ERROR card: can't {: java.lang.IllegalStateException: no device",
                        "INFO card: [an object]");
    }

    @Test
    void parametersArePutIn() {
        logger.log(Level.INFO, "table {0} has {1} rules", "a", "7");
        logger.log(Level.INFO, "no parameters: {0}", new Object[0]);
        logger.log(Level.INFO, "none at all: {0}", (Object[]) null);
        assertThat(lines)
                .containsExactly(
                        "INFO card: table a has 7 rules",
                        "INFO card: no parameters: {0}",
                        "INFO card: none at all: {0}");
    }

    @Test
    void aBadPatternIsLoggedAsItIs() {
        logger.log(Level.INFO, "bad {pattern", "x");
        logger.log(Level.INFO, "bad {0,nonsense}", "x");
        assertThat(lines).containsExactly("INFO card: bad {pattern", "INFO card: bad {0,nonsense}");
    }

    @Test
    void aKeyOfABundleIsLookedUp() {
        logger.log(Level.INFO, BUNDLE, "full", "a");
        logger.log(Level.INFO, BUNDLE, "full", (Throwable) null);
        logger.log(Level.INFO, BUNDLE, "absent", "a");
        logger.log(Level.INFO, BUNDLE, "odd", new IllegalStateException("no device"));
        assertThat(lines)
                .containsExactly(
                        "INFO card: table a is full",
                        "INFO card: table {0} is full",
                        "INFO card: absent",
                        "INFO card: odd: java.lang.IllegalStateException: no device");
    }

    @Test
    void whateverIsGivenNothingIsThrown() {
        Object mute = new Object() {
            @Override
            public String toString() {
                throw new IllegalStateException("scripted");
            }
        };
        ResourceBundle broken = new ResourceBundle() {
            @Override
            protected Object handleGetObject(String key) {
                throw new StackOverflowError("scripted");
            }

            @Override
            public Enumeration<String> getKeys() {
                throw new StackOverflowError("scripted");
            }
        };
        assertThatCode(() -> {
                    logger.log(Level.INFO, "mute {0}", mute);
                    logger.log(Level.INFO, broken, "key", "x");
                    logger.log(Level.INFO, (ResourceBundle) null, null, (Throwable) null);
                    logger.log(Level.INFO, (ResourceBundle) null, null, "x");
                    logger.log(Level.OFF, "never");
                    logger.log(Level.TRACE, "not at this level");
                })
                .doesNotThrowAnyException();
        assertThat(lines).containsExactly("INFO card: mute {0}", "INFO card: key", "INFO card: ", "INFO card: ");
    }

    @Test
    void aLogThatFailsIsNoFailureOfTheProviders() {
        System.Logger failing = new ProviderLogger("card", proxy(Logger.class, (method, given) -> {
            throw new IllegalStateException("scripted");
        }));
        assertThatCode(() -> failing.log(Level.INFO, "text")).doesNotThrowAnyException();
        assertThat(failing.isLoggable(Level.INFO)).isFalse();
    }

    @Test
    void linesAreCut() {
        logger.log(Level.INFO, "x\ny".repeat(10_000));
        assertThat(lines.getFirst())
                .hasSizeLessThan(ProviderText.MAX_LENGTH + 20)
                .doesNotContain("\n");
    }
}
