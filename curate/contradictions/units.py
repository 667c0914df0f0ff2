"""Units of measure and money, by what they are called in the judged languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Unit(NamedTuple):
    """value in base units = number * size + offset. exact: whether other units of the dimension convert exactly."""

    dimension: str
    size: float
    offset: float = 0.0


_DIMENSIONS = {
    "time": "second=1 sec=1 s=1 sekunde=1 segundo=1 秒=1 秒間=1 秒钟=1 ثانية=1 ثوان=1 "
    "minute=60 min=60 minuto=60 分=60 分間=60 分钟=60 دقيقة=60 دقائق=60 "
    "hour=3600 hr=3600 h=3600 stunde=3600 hora=3600 時間=3600 小时=3600 小時=3600 ساعة=3600 ساعات=3600 "
    "day=86400 tag=86400 día=86400 日間=86400 天=86400 يوم=86400 أيام=86400 يوما=86400 يوماً=86400 "
    "week=604800 woche=604800 semana=604800 週間=604800 周=604800 星期=604800 أسبوع=604800 أسابيع=604800 "
    "fortnight=1209600",
    "months": "month=1 monat=1 mes=1 mese=1 か月=1 ヶ月=1 カ月=1 ヵ月=1 个月=1 個月=1 شهر=1 أشهر=1 شهرا=1 شهراً=1 "
    "year=12 yr=12 jahr=12 jahre=12 año=12 年間=12 年=12 سنة=12 سنوات=12 عام=12 أعوام=12 عاما=12 عاماً=12 "
    "decade=120 jahrzehnt=120 década=120 century=1200 centurie=1200 jahrhundert=1200 siglo=1200",
    "length": "mm=1e-3 millimetre=1e-3 millimeter=1e-3 milímetro=1e-3 毫米=1e-3 ミリ=1e-3 cm=1e-2 centimetre=1e-2 "
    "centimeter=1e-2 zentimeter=1e-2 centímetro=1e-2 厘米=1e-2 センチ=1e-2 سنتيمتر=1e-2 سم=1e-2 "
    "m=1 metre=1 meter=1 metro=1 米=1 メートル=1 متر=1 أمتار=1 مترا=1 "
    "km=1e3 kilometre=1e3 kilometer=1e3 kilómetro=1e3 公里=1e3 千米=1e3 キロメートル=1e3 كيلومتر=1e3 كيلومترات=1e3 "
    "كم=1e3 "
    "كيلومترا=1e3 "
    "mile=1609.344 mi=1609.344 meile=1609.344 milla=1609.344 英里=1609.344 マイル=1609.344 ميل=1609.344 foot=0.3048 "
    "feet=0.3048 ft=0.3048 fuß=0.3048 inch=0.0254 inche=0.0254 yard=0.9144 yd=0.9144 nm=1e-9 μm=1e-6 "
    "lightyear=9.4607e15",
    "mass": "mg=1e-6 milligram=1e-6 g=1e-3 gram=1e-3 gramm=1e-3 gramo=1e-3 克=1e-3 グラム=1e-3 غرام=1e-3 جرام=1e-3 "
    "غراما=1e-3 "
    "kg=1 kilogram=1 kilogramm=1 kilo=1 kilogramo=1 公斤=1 千克=1 キログラム=1 キロ=1 كيلوغرام=1 كيلوجرام=1 كيلو=1 "
    "كغ=1 "
    "كيلوغرامات=1 "
    "tonne=1e3 ton=1e3 tonelada=1e3 吨=1e3 トン=1e3 طن=1e3 أطنان=1e3 lb=0.45359237 lbs=0.45359237 pound=0.45359237 "
    "ounce=0.028349523 oz=0.028349523 斤=0.5",
    "volume": "ml=1e-3 millilitre=1e-3 milliliter=1e-3 mililitro=1e-3 毫升=1e-3 l=1 litre=1 liter=1 litro=1 升=1 "
    "リットル=1 لتر=1 "
    "لترات=1 لترا=1 gallon=3.785411784 pint=0.473176473 quart=0.946352946 cup=0.2365882365 tablespoon=0.0147867648 "
    "tbsp=0.0147867648 teaspoon=0.00492892159 tsp=0.00492892159",
    "area": "m²=1 km²=1e6 hectare=1e4 hektar=1e4 hectárea=1e4 acre=4046.8564224 平方米=1 平方公里=1e6 "
    "平方キロメートル=1e6",
    "speed": "km/h=1 kmh=1 kph=1 mph=1.609344 m/s=3.6 knot=1.852",
    "energy": "kj=1 kcal=4.184 calorie=4.184e-3 kwh=3600",
    "power": "w=1 watt=1 kw=1e3 kilowatt=1e3 mw=1e6 hp=745.7",
    "data": "byte=1 kb=1e3 mb=1e6 gb=1e9 tb=1e12",
    "share": "%=1 percent=1 prozent=1 percentage=1 pct=1 パーセント=1 بالمئة=1 بالمائة=1 ٪=1",
    "usd": "$=1 us$=1 dollar=1 usd=1 dólar=1 dólare=1 美元=1 ドル=1 دولار=1 دولارا=1 دولارات=1 cent=0.01 ¢=0.01",
    "eur": "€=1 euro=1 eur=1 欧元=1 ユーロ=1 يورو=1",
    "gbp": "£=1 gbp=1 英镑=1 pence=0.01",
    "jpy": "¥=1 yen=1 jpy=1 円=1 日元=1",
    "cny": "yuan=1 cny=1 rmb=1 元=1 人民币=1 块=1",
    "inr": "₹=1 rupee=1 inr=1 rs=1",
    "people": "person=1 people=1 人=1 个人=1 名=1 mensch=1 menschen=1 persona=1 شخص=1 شخصا=1 أشخاص=1",
    "count": "个=1 件=1 台=1 本=1 张=1 只=1 頭=1 つ=1 個=1 冊=1 枚=1 匹=1 回=1 次=1 页=1 ページ=1 歳=1 岁=1",
    "degrees": "°=1 degree=1 grad=1 grado=1 度=1 درجة=1",
}
UNITS: dict[str, Unit] = {
    name: Unit(dimension, float(size))
    for dimension, table in _DIMENSIONS.items()
    for name, size in (entry.split("=") for entry in table.split())
}
"""{unit as written, in lower case, without a plural ending}"""

UNITS |= {
    "°c": Unit("temperature", 1.0),
    "℃": Unit("temperature", 1.0),
    "celsius": Unit("temperature", 1.0),
    "摄氏度": Unit("temperature", 1.0),
    "°f": Unit("temperature", 5 / 9, -160 / 9),
    "fahrenheit": Unit("temperature", 5 / 9, -160 / 9),
    "kelvin": Unit("temperature", 1.0, -273.15),
}

PLURALS: tuple[str, ...] = ("s", "n", "en", "e", "es")

CJK_UNITS = sorted((name for name in UNITS if name[0] > "\u2e7f"), key=len, reverse=True)

COMPOUNDS: Mapping[str, str] = {
    "kilometers per hour": "km/h",
    "kilometres per hour": "km/h",
    "km per hour": "km/h",
    "miles per hour": "mph",
    "meters per second": "m/s",
    "metres per second": "m/s",
    "square meters": "m²",
    "square metres": "m²",
    "square kilometers": "km²",
    "square kilometres": "km²",
    "degrees celsius": "°c",
    "degrees fahrenheit": "°f",
    "grad celsius": "°c",
    "grados celsius": "°c",
    "degree celsius": "°c",
    "fluid ounces": "fl oz",
    "light years": "lightyear",
    "light-years": "lightyear",
    "us dollars": "usd",
    "u.s. dollars": "usd",
    "por ciento": "%",
    "في المئة": "%",
    "في المائة": "%",
    "درجة مئوية": "°c",
}


def unit_of(word: str) -> Unit | None:
    """The unit of a name in lower case, in singular or plural."""
    if word in UNITS:
        return UNITS[word]
    for ending in PLURALS:
        if word.endswith(ending) and len(word) > len(ending) + 1 and word[: -len(ending)] in UNITS:
            return UNITS[word[: -len(ending)]]
    return None
