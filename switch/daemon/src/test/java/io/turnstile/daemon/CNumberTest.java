package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CNumberTest {
    @ParameterizedTest
    @CsvSource({
        "17, 17, ''",
        "0x1F, 31, ''",
        "010, 8, ''",
        "08, 0, 8",
        "0x, 0, x",
        "+7, 7, ''",
        "-7, -7, ''",
        "5abc, 5, abc",
        "' 5/6', 5, /6",
        "0, 0, ''"
    })
    void textIsReadAsByStrtoll(String text, long value, String rest) {
        CNumber number = CNumber.scan(text);
        assertThat(number.value().longValueExact()).isEqualTo(value);
        assertThat(number.rest()).isEqualTo(rest);
    }

    @Test
    void thereMayBeNoNumber() {
        assertThat(CNumber.scan("")).isNull();
        assertThat(CNumber.scan("x5")).isNull();
        assertThat(CNumber.scan("- 5")).isNull();
    }

    @Test
    void unsignedNumbersHaveToFit() {
        assertThat(CNumber.unsigned("65535", 16).longValue()).isEqualTo(65535L);
        assertThat(CNumber.unsigned("65536", 16)).isNull();
        assertThat(CNumber.unsigned("-1", 16)).isNull();
        assertThat(CNumber.unsigned("1x", 16)).isNull();
        assertThat(CNumber.unsigned("0xffffffff", 32).longValue()).isEqualTo(0xffff_ffffL);
    }
}
