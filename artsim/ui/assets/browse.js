// On narrow screens the facets start closed, so that the works come first.
if (matchMedia("(max-width: 899px)").matches) document.querySelector(".browse-facets").open = false;
