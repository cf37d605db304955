// Runs only in browsers without modules (and so without what a hearing needs). ES5 on purpose.
(function () {
  var box = document.getElementById("app");
  if (!box) return;
  var lines = [
    "这个浏览器版本太旧，不能开庭。没有任何内容被记录。请更新浏览器或换一部手机，再打开同一个链接；也可以拨打传票上的法院电话。",
    "This browser is too old for a hearing. Nothing was recorded. Please update it, or open the same link on another phone; or call the telephone number on your summons.",
  ];
  for (var i = 0; i < lines.length; i++) {
    var p = document.createElement("p");
    p.appendChild(document.createTextNode(lines[i]));
    box.appendChild(p);
  }
})();
